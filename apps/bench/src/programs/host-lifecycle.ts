/**
 * A host of one plugin in a process of its own, with the default logger, for what can't be done to
 * the process that measures: few descriptors, a full disk under the log. It says its port on stderr.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createPluginHost } from "@servehttp/host-bridge";

import { nodeCommand } from "../targets/node-command.js";

const host = createPluginHost({
  plugins: { notes: { command: nodeCommand("plugin-lifecycle") } },
  timeouts: { startMs: 60_000 },
});
await host.start();
const server = host.attach(createServer());
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.stderr.write(`${JSON.stringify({ port, pluginPid: host.plugins[0]?.pid })}\n`);
});
process.once("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
  void host.stop({ drainMs: 0 });
});
