import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Child } from "../child.js";
import type { Announcement, HostMemory } from "../programs/announce.js";
import { nodeCommand } from "./node-command.js";
import { runningTarget } from "./running-target.js";
import type { RunningTarget, Target } from "./target.js";

/**
 * Ours, with a plugin at so many addresses, in one process or in as many. With one process, plugins
 * can do as much whatever their number.
 */
export function servehttpAddresses(count: number, processes = 1): Target {
  const addresses = `${count} ${count === 1 ? "address" : "addresses"}`;
  return {
    name: `mux over ${addresses}${processes === 1 ? "" : ` of ${processes} processes`}`,
    namedOnly: true,
    missing: () => Promise.resolve(undefined),
    start: () => start(count, processes),
  };
}

async function start(count: number, processes: number): Promise<RunningTarget> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "servehttp-bench-"));
  stack.defer(() => rm(directory, { recursive: true }));
  const addresses = Array.from({ length: count }, (_, at) => `unix:${join(directory, `${at}`)}`);
  const lists = processes === 1 ? [addresses] : addresses.map((address) => [address]);
  const plugins = lists.map((list) =>
    stack.use(new Child("plugin at addresses", [...nodeCommand("plugin-addresses"), ...list])),
  );
  const program = nodeCommand("host-addresses");
  const host = stack.use(new Child("host of addresses", [...program, ...addresses], { ipc: true }));
  const { port = 0 } = await host.json<Announcement>();
  return runningTarget(stack, {
    port,
    prefix: "/plugins/bench",
    hostPids: [host.pid],
    pluginPids: plugins.map(({ pid }) => pid),
    hostMemory: () => host.ask<HostMemory>("memory"),
  });
}
