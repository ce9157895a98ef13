import { nodeCommand } from "../targets/node-command.js";
import { ChildHost } from "./child-host.js";
import { LifecycleLoad } from "./lifecycle-load.js";
import type { LifecycleResult } from "./lifecycle-result.js";

const requestCount = 200;
const stopMs = 10_000;

/** A host whose log goes to a disk that is full: it serves, and ends when it is told to. */
export async function fullDisk(): Promise<LifecycleResult> {
  await using host = await ChildHost.start('exec "$@" >/dev/full', nodeCommand("host-lifecycle"));
  let whole = 0;
  {
    await using load = new LifecycleLoad(host.port, [], 1, 1);
    for (let request = 0; request < requestCount; request += 1) {
      whole += (await load.ask("notes", 1_000, request + 1)) === "whole" ? 1 : 0;
    }
  }
  const end = (await host.stop(stopMs)) ?? `still there ${stopMs} ms after SIGTERM`;
  return {
    isRight: whole === requestCount && end === "code 0",
    text: `a full disk under the default log: ${whole} of ${requestCount} whole, then ${end}`,
  };
}
