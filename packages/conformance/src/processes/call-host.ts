import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { createPluginHost, type CommandPluginOptions } from "@servehttp/host-bridge";
import { Observer } from "../observation/observer.js";

/**
 * A host whose plugins call each other: `node call-host.js OBSERVATION_SOCKET CARRIER`.
 *
 * `caller` may call all of the others; `called` may call nobody; `hasty` gives exchanges five
 * seconds, and may call `called`; `stopped` never gets ready; `inside` runs in the host's process.
 */
const [, , observationPath = "", carrier = ""] = process.argv;
const script = fileURLToPath(new URL("call-plugin.js", import.meta.url));
const plugin = (role: string, mayCall: readonly string[]): CommandPluginOptions => ({
  command: [process.execPath, ...process.execArgv, script, observationPath, role],
  carrier: carrier as "mux" | "stream",
  mayCall,
});

const host = createPluginHost({
  plugins: {
    caller: plugin("caller", ["called", "caller", "stopped", "inside", "unknown"]),
    called: plugin("called", []),
    hasty: { ...plugin("hasty", ["called"]), timeouts: { totalMs: 5_000 } },
    stopped: { url: "unix:/nowhere/stopped.sock", timeouts: { waitMs: 0 } },
    inside: { handler: (_request, response) => response.end("inside") },
  },
  identity: (request) => ({ "x-user-id": request.headers["x-login"]?.toString() }),
  context: (request) => ({ tenant: request.headers["x-tenant"]?.toString() ?? "none" }),
  edge: { identityHeaders: ["x-user-id"], trustTraceContext: true },
});
await host.start();
const server = host.attach(createServer());
server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;
const observer = await Observer.connect(observationPath, "host", { port });
observer.beforeExit = () => host.stop({ drainMs: 0 });
