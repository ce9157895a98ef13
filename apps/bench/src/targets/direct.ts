import { Child } from "../child.js";
import type { Announcement, HostMemory } from "../programs/announce.js";
import { nodeCommand } from "./node-command.js";
import type { Target } from "./target.js";

/**
 * The plugin's own `node:http` on a loopback port: no host in between. All others are compared with
 * it.
 */
export const direct: Target = {
  name: "direct",
  missing: () => Promise.resolve(undefined),
  async start(options = {}) {
    const plugin = new Child("direct", nodeCommand("plugin-http", options.pluginExecArgv), {
      ipc: true,
    });
    const { port = 0 } = await plugin.json<Announcement>();
    return {
      host: "127.0.0.1",
      port,
      prefix: "",
      hostPids: [],
      pluginPids: [plugin.pid],
      hostMemory: () => plugin.ask<HostMemory>("memory"),
      [Symbol.asyncDispose]: () => plugin[Symbol.asyncDispose](),
    };
  },
};
