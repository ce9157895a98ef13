import { processTree, readProc } from "./process-tree.js";

/** What processes use. */
export interface ProcessUsage {
  /** Resident memory; what several of them share counts for each. */
  readonly memoryBytes: number;
  /** Processor time since they began, in milliseconds. */
  readonly cpuMs: number;
}

/**
 * Reads what a process and those that it started use: `/proc/PID/stat`. Undefined where there is no
 * such file, or the process is gone.
 */
export function processUsage(pid: number): ProcessUsage | undefined {
  let memoryBytes = 0;
  let cpuMs = 0;
  let isKnown = false;
  for (const { folder } of processTree(pid)) {
    // The name of the program stands in parentheses and may hold some.
    const stat = readProc(`${folder}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [userTicks, systemTicks, pages] = [11, 12, 21].map((at) => Number(fields[at]));
    if (userTicks !== undefined && systemTicks !== undefined && pages !== undefined) {
      if (Number.isFinite(userTicks + systemTicks + pages)) {
        isKnown = true;
        memoryBytes += pages * pageBytes();
        cpuMs += (userTicks + systemTicks) * tickMs;
      }
    }
  }
  return isKnown ? { memoryBytes, cpuMs } : undefined;
}

/** Linux tells programs of 100 ticks a second, whatever it counts itself (USER_HZ). */
const tickMs = 10;

let knownPageBytes: number | undefined;

/** The size of a page of memory: 4 KiB mostly, more on some processors. */
function pageBytes(): number {
  if (knownPageBytes === undefined) {
    const pages = Number(readProc("/proc/self/statm").split(" ")[1]);
    const ratio = process.memoryUsage.rss() / pages;
    // The two were read one after the other.
    knownPageBytes = Number.isFinite(ratio) ? 2 ** Math.round(Math.log2(ratio)) : 4_096;
  }
  return knownPageBytes;
}
