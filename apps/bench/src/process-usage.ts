import { readdir, readFile } from "node:fs/promises";

/** USER_HZ: what /proc counts processor time in. 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** A process and everything that it started, as nginx starts its workers. */
export async function processTree(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const lists = await Promise.all(
    threads.map((thread) =>
      readFile(`/proc/${pid}/task/${thread}/children`, "utf8").catch(() => ""),
    ),
  );
  const children = lists.join(" ").split(" ").filter(Boolean).map(Number);
  const descendants = await Promise.all(children.map(processTree));
  return [pid, ...descendants.flat()];
}

/** Processor time, user and system, that these processes have taken so far, in microseconds. */
export async function cpuUs(pids: readonly number[]): Promise<number> {
  const ticks = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8");
      // The second field is the name in brackets, which may hold blanks. utime and stime are fields
      // 14 and 15 (proc_pid_stat(5)).
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(fields[11]) + Number(fields[12]);
    }),
  );
  return (ticks.reduce((sum, value) => sum + value, 0) * 1e6) / ticksPerSecond;
}

/** Resident memory of these processes in bytes. Shared pages count once for each of them. */
export function rssBytes(pids: readonly number[]): Promise<number> {
  return sumOfSizes(pids, /^VmRSS:\s+(\d+) kB$/m);
}

/** The most that was ever resident of these processes, each for itself, in bytes. */
export function rssPeakBytes(pids: readonly number[]): Promise<number> {
  return sumOfSizes(pids, /^VmHWM:\s+(\d+) kB$/m);
}

async function sumOfSizes(pids: readonly number[], line: RegExp): Promise<number> {
  const sizes = await Promise.all(
    pids.map(async (pid) => {
      const status = await readFile(`/proc/${pid}/status`, "utf8");
      return Number(line.exec(status)?.[1]) * 1024;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
