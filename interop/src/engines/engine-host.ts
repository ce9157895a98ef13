/**
 * A host for every engine that the host promises to run on: `engine-host.js CARRIER COMMAND...`, the command being that of its plugin. It
 * prints the port that it listens on, and ends on SIGTERM.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
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
await once(server.listen(0, "127.0.0.1"), "listening");
process.once("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
  void host.stop({ drainMs: 0 }).then(() => process.exit(0));
});
const { pid } = host.plugins[0] ?? {};
console.log(JSON.stringify({ port: (server.address() as AddressInfo).port, pluginPid: pid }));
