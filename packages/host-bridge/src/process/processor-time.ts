import { readdirSync, readFileSync } from "node:fs";

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
  const pids = [String(pid)];
  for (let one = pids.pop(); one !== undefined; one = pids.pop()) {
    for (const thread of threads(one)) {
      const [used = "", waited = ""] = read(`${thread}/schedstat`).split(" ");
      if (waited !== "") {
        isKnown = true;
        usedMs += Number(used) / 1e6;
        waitedMs += Number(waited) / 1e6;
      }
      pids.push(...read(`${thread}/children`).split(" ").filter(Boolean));
    }
  }
  return isKnown ? { usedMs, waitedMs } : undefined;
}

function threads(pid: string): readonly string[] {
  const directory = `/proc/${pid}/task`;
  try {
    return readdirSync(directory).map((thread) => `${directory}/${thread}`);
  } catch {
    return [];
  }
}

/** Empty where a thread has ended meanwhile, or there is no such file. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
