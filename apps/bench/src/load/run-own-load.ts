import { Child } from "../child.js";
import { nodeCommand } from "../targets/node-command.js";
import type { RunningTarget } from "../targets/target.js";
import type { LoadOptions, LoadResult } from "./run-wrk.js";

/** The same as `runWrk` by a Node process, which takes more of the processor from the servers. */
export async function runOwnLoad(
  target: RunningTarget,
  { path, connections, seconds, postBytes = 0 }: LoadOptions,
): Promise<LoadResult> {
  await using load = new Child("load", [
    ...nodeCommand("load-requests"),
    target.host,
    ...[target.port, target.prefix + path, connections, seconds, postBytes].map(String),
  ]);
  return await load.json<LoadResult>();
}
