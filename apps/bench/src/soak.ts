/**
 * npm run soak -w @servehttp/bench -- [--minutes 5] [--carrier mux] [--clients 24] [--seed 1]
 *
 * Mixed traffic with seeded random bytes: small requests, hashed and echoed bodies, uploads and
 * downloads, readers that are slow and clients that leave. Prints errors, wrong bytes and the
 * memory of host and plugin after a collection as time goes by. Leaves with code 1 where anything
 * was wrong or memory grew.
 */
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";

import { endChildrenWithThisProcess } from "./child.js";
import { HttpConnection } from "./load/http-connection.js";
import type { HostMemory } from "./programs/announce.js";
import { type MemoryTrend, memoryTrend } from "./soak/memory-trend.js";
import { SeededRandom } from "@servehttp/testkit";
import { type SoakCounts, soakClient } from "./soak/soak-client.js";
import { allTargets } from "./targets/all-targets.js";
import type { RunningTarget } from "./targets/target.js";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "5" },
    carrier: { type: "string", default: "mux" },
    clients: { type: "string", default: "24" },
    seed: { type: "string", default: "1" },
  },
});

/** How many lines a soak prints, however long it is. */
const sampleCount = 30;
const mebibyte = 1024 * 1024;

endChildrenWithThisProcess();
const target = allTargets.find(({ name }) => name === values.carrier);
if (target === undefined) {
  throw new Error(`--carrier: one of ${allTargets.map(({ name }) => name).join(", ")}`);
}
await using running = await target.start({ pluginExecArgv: ["--expose-gc"] });
const counts: SoakCounts = { done: new Map(), errors: 0, wrong: 0, failures: [] };
const ending = new AbortController();
const clients = Array.from({ length: Number(values.clients) }, (_, index) =>
  soakClient(running, new SeededRandom(Number(values.seed) * 1_000 + index), counts, ending.signal),
);

console.log("seconds    actions  errors  wrong   host rss, heap   plugin rss, heap (MiB)");
let printedFailures = 0;
const hostHeap: number[] = [];
const pluginHeap: number[] = [];
const startedMs = performance.now();
for (let sample = 1; sample <= sampleCount; sample++) {
  await setTimeout((Number(values.minutes) * 60_000) / sampleCount);
  const host = await running.hostMemory?.();
  const plugin = await pluginMemory(running);
  hostHeap.push(host?.heap ?? 0);
  pluginHeap.push(plugin?.heap ?? 0);
  printSample(host, plugin);
  printFailures();
}
ending.abort();
await Promise.all(clients);

console.log(`\n${[...counts.done].map(([name, count]) => `${name} ${count}`).join(", ")}`);
printFailures();
const hostIsFlat = reportTrend("host heap", memoryTrend(hostHeap));
const pluginIsFlat = reportTrend("plugin heap", memoryTrend(pluginHeap));
const good = counts.errors === 0 && counts.wrong === 0 && hostIsFlat && pluginIsFlat;
console.log(good ? "\ngood" : "\nNOT good");
process.exitCode = good ? 0 : 1;

/**
 * Asks the plugin's handler, as any client would. No answer counts as an error, and gives
 * undefined.
 */
async function pluginMemory({
  host,
  port,
  prefix,
}: RunningTarget): Promise<HostMemory | undefined> {
  using connection = await HttpConnection.open(host, port);
  let body = "";
  const { status } = await connection.call({
    method: "GET",
    path: `${prefix}/memory`,
    onBody: (chunk) => (body += chunk.toString("latin1")),
  });
  if (status !== 200) {
    counts.errors++;
    counts.failures.push(`${new Date().toISOString()} memory: status ${status}: ${body}`);
    return undefined;
  }
  return JSON.parse(body) as HostMemory;
}

function printSample(host: HostMemory | undefined, plugin: HostMemory | undefined): void {
  const seconds = (performance.now() - startedMs) / 1_000;
  const actions = [...counts.done.values()].reduce((sum, count) => sum + count, 0);
  const columns = [
    seconds.toFixed(0).padStart(7),
    String(actions).padStart(10),
    String(counts.errors).padStart(7),
    String(counts.wrong).padStart(6),
    ...[host?.rss, host?.heap, plugin?.rss, plugin?.heap].map((bytes) =>
      bytes === undefined ? "" : (bytes / mebibyte).toFixed(1).padStart(9),
    ),
  ];
  console.log(columns.join(" "));
}

/** Those that have come since the last call. */
function printFailures(): void {
  for (const failure of counts.failures.slice(printedFailures)) {
    console.log(failure);
  }
  printedFailures = counts.failures.length;
}

function reportTrend(name: string, trend: MemoryTrend | undefined): boolean {
  if (trend === undefined) {
    return true;
  }
  const [early, late] = [trend.earlyBytes, trend.lateBytes].map((bytes) =>
    (bytes / mebibyte).toFixed(1),
  );
  console.log(`${name}: ${early} MiB early, ${late} MiB late, ${trend.flat ? "flat" : "GREW"}`);
  return trend.flat;
}
