import { Child } from "../child.js";
import type { Announcement, HostMemory } from "../programs/announce.js";
import { nodeCommand } from "./node-command.js";
import { startPlugin } from "./start-plugin.js";
import { runningTarget } from "./running-target.js";
import type { Target } from "./target.js";

/** A target whose host is a Node program in front of a plugin on a unix socket. */
export function nodeHost(name: string, hostProgram: string, pluginProgram = "plugin-http"): Target {
  return {
    name,
    missing: () => Promise.resolve(undefined),
    async start(options = {}) {
      await using stack = new AsyncDisposableStack();
      const plugin = stack.use(await startPlugin(pluginProgram, options.pluginExecArgv));
      const command = [...nodeCommand(hostProgram, options.hostExecArgv), plugin.socketPath];
      const host = stack.use(new Child(hostProgram, command, { ipc: true }));
      const { port = 0 } = await host.json<Announcement>();
      return runningTarget(stack, {
        port,
        prefix: "",
        hostPids: [host.pid],
        pluginPids: [plugin.pid],
        hostMemory: () => host.ask<HostMemory>("memory"),
      });
    },
  };
}
