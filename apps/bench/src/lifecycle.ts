/**
 * npm run lifecycle -w @servehttp/bench -- [kills reloads stops many descriptors full-disk]
 *   [--count N] [--seed 1]
 *
 * What the life of plugins costs their clients: plugins killed, reloaded, stopped while they start,
 * started all at once, without descriptors, with a full disk under the log. Prints one line for
 * each, and leaves with code 1 where one is wrong. All of them take 20 minutes.
 */
import { parseArgs } from "node:util";

import { endChildrenWithThisProcess } from "./child.js";
import { fewDescriptors } from "./lifecycle/few-descriptors.js";
import { fullDisk } from "./lifecycle/full-disk.js";
import { kills } from "./lifecycle/kills.js";
import type { LifecycleResult } from "./lifecycle/lifecycle-result.js";
import { manyPlugins } from "./lifecycle/many-plugins.js";
import { reloads } from "./lifecycle/reloads.js";
import { stops } from "./lifecycle/stops.js";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { count: { type: "string" }, seed: { type: "string", default: "1" } },
});
const seed = Number(values.seed);
const count = (usual: number) => Number(values.count ?? usual);

const runs: Readonly<Record<string, () => Promise<LifecycleResult>>> = {
  "full-disk": fullDisk,
  descriptors: fewDescriptors,
  many: () => manyPlugins(count(50)),
  stops: () => stops(count(60), seed),
  reloads: () => reloads(count(100), seed),
  kills: () => kills(count(100), seed),
};

endChildrenWithThisProcess();
for (const name of positionals.length > 0 ? positionals : Object.keys(runs)) {
  const run = runs[name];
  if (run === undefined) {
    throw new Error(`there is no run ${name}: one of ${Object.keys(runs).join(", ")}`);
  }
  const { isRight, text } = await run();
  console.log(`${isRight ? "right" : "WRONG"}  ${name}: ${text}`);
  if (!isRight) {
    process.exitCode = 1;
  }
}
