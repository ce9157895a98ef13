import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { createPluginHost, type HostOptions, type PluginHost } from "@servehttp/host-bridge";
import type { FromHost, HostCall, HostCommand } from "./host-commands.js";
import { ToldAddresses } from "./told-addresses.js";

/**
 * The host of the fault runs: `node fault-host.js OPTIONS`, the options of `createPluginHost` as JSON, in which
 * `discover: "told"` stands for addresses that a command tells. It takes commands over its IPC channel, and logs where a
 * host logs by default.
 */
const told = new ToldAddresses();
const host = createPluginHost(
  JSON.parse(process.argv[2] ?? "{}", (key, value: unknown) =>
    key === "discover" ? told.discover : value,
  ) as HostOptions,
);
const http1 = createServer();
// A connection that the server closes while a request is on its way to it would count as a fault.
http1.keepAliveTimeout = 0;
const http2 = createHttp2Server();
host.attach(http1);
host.attach(http2);

process.on("message", (message) => void answer(message as HostCall));
process.once("disconnect", () => {
  void host.stop({ drainMs: 0 }).finally(() => process.exit());
});
say({ kind: "listening", http1Port: await listen(http1), http2Port: await listen(http2) });

async function answer({ call, command }: HostCall): Promise<void> {
  let error: string | undefined;
  try {
    await run(host, command);
  } catch (cause) {
    error = (cause as Error).message;
  }
  const { plugins } = host;
  say({ kind: "answer", call, plugins, ...(error !== undefined && { error }) });
}

async function run(to: PluginHost, command: HostCommand): Promise<void> {
  switch (command.name) {
    case "start":
      return to.start();
    case "stop":
      return to.stop();
    case "reload":
      return to.reload(command.id);
    case "plugins":
      return undefined;
    case "addresses":
      return told.tell(command.addresses);
  }
}

async function listen(server: Server): Promise<number> {
  server.listen({ port: 0, host: "127.0.0.1", backlog: 511 });
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function say(message: FromHost): void {
  process.send?.(message);
}
