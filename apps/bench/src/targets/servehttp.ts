import { Child } from "../child.js";
import type { Announcement, HostMemory } from "../programs/announce.js";
import { type Watched, watchedFlag } from "../programs/observed.js";
import { nodeCommand } from "./node-command.js";
import { runningTarget } from "./running-target.js";
import type { RunningTarget, StartOptions, Target } from "./target.js";

/** Ours. The host spawns its plugin itself. */
export function servehttp(carrier: "mux" | "stream", watched: Watched = "nothing"): Target {
  return {
    name: watched === "nothing" ? carrier : `${carrier} with ${watched}`,
    ...(watched !== "nothing" && { namedOnly: true }),
    missing: () => Promise.resolve(undefined),
    start: (options = {}) =>
      startServehttp(
        carrier,
        nodeCommand("plugin-servehttp", options.pluginExecArgv),
        options,
        watched,
      ),
  };
}

/** Starts a host with a plugin of that command. */
export async function startServehttp(
  carrier: "mux" | "stream",
  plugin: readonly string[],
  options: StartOptions,
  watched: Watched = "nothing",
): Promise<RunningTarget> {
  await using stack = new AsyncDisposableStack();
  const program = nodeCommand("host-servehttp", options.hostExecArgv);
  const flags = watched === "nothing" ? [] : [`${watchedFlag}${watched}`];
  const command = [...program, carrier, ...flags, ...plugin];
  const host = stack.use(new Child(`${carrier} host`, command, { ipc: true }));
  const { port = 0, pluginPid } = await host.json<Announcement>();
  return runningTarget(stack, {
    port,
    prefix: "/plugins/bench",
    hostPids: [host.pid],
    pluginPids: pluginPid === undefined ? [] : [pluginPid],
    hostMemory: () => host.ask<HostMemory>("memory"),
  });
}
