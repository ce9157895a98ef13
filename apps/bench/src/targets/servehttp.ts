import { Child } from "../child.js";
import type { Announcement, HostMemory } from "../programs/announce.js";
import { nodeCommand, nodeFlags } from "./node-command.js";
import type { Target } from "./target.js";

/** Ours. The host spawns its plugin itself. */
export function servehttp(carrier: "mux" | "stream"): Target {
  return {
    name: carrier,
    missing: () => Promise.resolve(undefined),
    async start(options = {}) {
      const command = [
        ...nodeCommand("host-servehttp", options.hostExecArgv),
        carrier,
        "--expose-gc",
        ...nodeFlags,
        ...(options.pluginExecArgv ?? []),
      ];
      await using stack = new AsyncDisposableStack();
      const host = stack.use(new Child(carrier, command, { ipc: true }));
      const { port = 0, pluginPid } = await host.json<Announcement>();
      const running = stack.move();
      return {
        host: "127.0.0.1",
        port,
        prefix: "/plugins/bench",
        hostPids: [host.pid],
        pluginPids: pluginPid === undefined ? [] : [pluginPid],
        hostMemory: () => host.ask<HostMemory>("memory"),
        [Symbol.asyncDispose]: () => running.disposeAsync(),
      };
    },
  };
}
