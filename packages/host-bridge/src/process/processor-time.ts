import { processTree, readProc } from "./process-tree.js";

/** What processes have had of the processors, in milliseconds. */
export interface ProcessorTime {
  /** They ran. */
  readonly usedMs: number;
  /** They could have run, and no processor was free. */
  readonly waitedMs: number;
}

/**
 * Reads the processor time of a process and of those that it started, over all their threads:
 * `/proc/PID/task/TID/schedstat`. Undefined where the system does not tell, or the process is gone.
 */
export function processorTime(pid: number): ProcessorTime | undefined {
  let usedMs = 0;
  let waitedMs = 0;
  let isKnown = false;
  for (const { threads } of processTree(pid)) {
    for (const thread of threads) {
      const [used = "", waited = ""] = readProc(`${thread}/schedstat`).split(" ");
      if (waited !== "") {
        isKnown = true;
        usedMs += Number(used) / 1e6;
        waitedMs += Number(waited) / 1e6;
      }
    }
  }
  return isKnown ? { usedMs, waitedMs } : undefined;
}
