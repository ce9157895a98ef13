/**
 * A host for every engine that the host promises to run on: `engine-host.js CARRIER COMMAND...`, the command being that of its plugin. It
 * prints the ports that it listens on, that of HTTP/1.1 and that of HTTP/2, and ends on SIGTERM.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { createPluginHost } from "@servehttp/host-bridge";

const [carrier, ...command] = process.argv.slice(2);
const host = createPluginHost({
  plugins: {
    engine: { command, carrier: carrier === "mux" ? "mux" : "stream", mayCall: ["engine"] },
  },
  logger: false,
});
await host.start();
const server = host.attach(createServer());
const http2Server = host.attach(createHttp2Server());
const [port, http2Port] = await Promise.all([listen(server), listen(http2Server)]);
process.once("SIGTERM", () => {
  server.close();
  http2Server.close();
  server.closeAllConnections();
  void host.stop({ drainMs: 0 }).then(() => process.exit(0));
});
const { pid } = host.plugins[0] ?? {};
console.log(JSON.stringify({ port, http2Port, pluginPid: pid }));

async function listen(listener: Server): Promise<number> {
  await once(listener.listen(0, "127.0.0.1"), "listening");
  return (listener.address() as AddressInfo).port;
}
