/**
 * The host of an endurance run, in a process of its own: `node host-process.js '{"tonic": ["/path"]}'`. It logs to standard output, and
 * tells its parent the port that it listens on and, after each change of state, its plugins.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createPluginHost } from "@servehttp/host-bridge";

/** What the process says. */
export interface HostReport {
  readonly port: number;
  readonly plugins: readonly {
    readonly id: string;
    readonly state: string;
    readonly pid: number | undefined;
    readonly restarts: number;
  }[];
}

const commands: Record<string, string[]> = JSON.parse(process.argv[2] ?? "{}");
// Every setting is at its default, but for the carrier, which these plugins have no choice of either.
const host = createPluginHost({
  plugins: Object.fromEntries(
    Object.entries(commands).map(([id, command]) => [id, { command, carrier: "stream" }]),
  ),
});
await host.start();
const server = createServer();
// A busy client is slower than five seconds at times: its next request shall not meet the end of its connection.
server.keepAliveTimeout = 0;
host.attach(server);
await once(server.listen({ port: 0, host: "127.0.0.1", backlog: 4_096 }), "listening");
host.onStateChange(report);
report();

process.once("message", () => {
  process.disconnect();
  server.close();
  server.closeAllConnections();
  void host.stop();
});

function report(): void {
  const { port } = server.address() as AddressInfo;
  const plugins = host.plugins.map(({ id, state, pid, restarts }) => ({
    id,
    state,
    pid,
    restarts,
  }));
  process.send?.({ port, plugins } satisfies HostReport);
}
