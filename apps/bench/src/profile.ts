/**
 * npm run profile -w @servehttp/bench -- [--target mux] [--case get|echo-1k|echo-64k|down]
 *                                        [--connections 64]
 *                                        [--seconds 5] [--top 30] [--out DIRECTORY]
 *
 * Records host and plugin under load and prints where their time goes. Only for targets whose two
 * processes run on Node. The .cpuprofile files stay in the directory given with --out, for a
 * viewer.
 */
import { mkdir, mkdtemp, readFile } from "node:fs/promises";
import type { Profiler } from "node:inspector";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";

import { endChildrenWithThisProcess } from "./child.js";
import { runLoad } from "./load/run-load.js";
import { cpuUs } from "./process-usage.js";
import { type SelfTime, summariseProfile } from "./summarise-profile.js";
import { allTargets } from "./targets/all-targets.js";
import { programPath } from "./targets/node-command.js";

const loads: Readonly<Record<string, { readonly path: string; readonly postBytes?: number }>> = {
  get: { path: "/small" },
  "echo-1k": { path: "/echo", postBytes: 1024 },
  "echo-64k": { path: "/echo", postBytes: 64 * 1024 },
  down: { path: "/download?bytes=16777216" },
};

const { values } = parseArgs({
  options: {
    target: { type: "string", default: "mux" },
    case: { type: "string", default: "get" },
    connections: { type: "string", default: "64" },
    seconds: { type: "string", default: "5" },
    top: { type: "string", default: "30" },
    out: { type: "string" },
  },
});

endChildrenWithThisProcess();
const target = allTargets.find(({ name }) => name === values.target);
const load = loads[values.case];
if (target === undefined || load === undefined) {
  const names = allTargets.map(({ name }) => name).join(", ");
  throw new Error(`--target: one of ${names}; --case: one of ${Object.keys(loads).join(", ")}`);
}
const directory = values.out ?? (await mkdtemp(join(tmpdir(), "servehttp-profile-")));
await mkdir(directory, { recursive: true });
process.env["SERVEHTTP_BENCH_PROFILES"] = directory;

const execArgv = ["--import", programPath("record-profile")];
await using running = await target.start({ hostExecArgv: execArgv, pluginExecArgv: execArgv });
const options = { ...load, connections: Number(values.connections) };
const processes = new Map([
  ...running.hostPids.map((pid) => [pid, "host"] as const),
  ...running.pluginPids.map((pid) => [pid, "plugin"] as const),
]);
const pids = [...processes.keys()];

await runLoad(running, { ...options, seconds: 2 }); // Until the hot functions are compiled.
signal(pids);
const before = await Promise.all(pids.map((pid) => cpuUs([pid])));
const result = await runLoad(running, { ...options, seconds: Number(values.seconds) });
const after = await Promise.all(pids.map((pid) => cpuUs([pid])));
signal(pids);

const rate = (result.requests * 1e6) / result.durationUs;
console.log(
  `${target.name}, ${values.case}, ${values.connections} connections: ${rate.toFixed(0)} requests/s, ` +
    `p50 ${result.p50Us} µs, p99 ${result.p99Us} µs, ${result.broken} broken, ${result.refused} refused`,
);
for (const [index, pid] of pids.entries()) {
  const path = join(directory, `${pid}.cpuprofile`);
  const { idleShare, functions, files } = summariseProfile(await readProfile(path));
  const us = ((after[index] ?? 0) - (before[index] ?? 0)) / result.requests;
  console.log(
    `\n${processes.get(pid)}, ${percent(idleShare)} idle, ${us.toFixed(1)} µs of processor time a request`,
  );
  console.log(`  self time by file, of the time not idle:`);
  printShares(files.slice(0, 12));
  console.log(`  by function:`);
  printShares(functions.slice(0, Number(values.top)));
  console.log(`  ${path}`);
}

function signal(processIds: readonly number[]): void {
  for (const pid of processIds) {
    process.kill(pid, "SIGUSR2");
  }
}

/** Waits for the profiled process to have written its file. */
async function readProfile(path: string): Promise<Profiler.Profile> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      return JSON.parse(await readFile(path, "utf8")) as Profiler.Profile;
    } catch {
      await setTimeout(100); // Not there, or not in full.
    }
  }
  throw new Error(`${path} was not written`);
}

function printShares(shares: readonly SelfTime[]): void {
  for (const { where, share } of shares) {
    console.log(`  ${percent(share).padStart(8)}  ${where}`);
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
