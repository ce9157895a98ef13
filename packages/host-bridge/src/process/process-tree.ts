import { readdirSync, readFileSync } from "node:fs";

/** One process in `/proc`. */
export interface ListedProcess {
  readonly folder: string;
  /** The folders of its threads; none where it has ended meanwhile. */
  readonly threads: readonly string[];
}

/** A process and those that it started, as `/proc` knows them now. */
export function* processTree(pid: number): Generator<ListedProcess, void, undefined> {
  const pids = [String(pid)];
  for (let one = pids.pop(); one !== undefined; one = pids.pop()) {
    const folder = `/proc/${one}`;
    const threads = threadsOf(folder);
    yield { folder, threads };
    for (const thread of threads) {
      pids.push(...readProc(`${thread}/children`).split(" ").filter(Boolean));
    }
  }
}

/** Reads a file of `/proc`. Empty where what it tells of has ended, or there is no such file. */
export function readProc(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function threadsOf(folder: string): readonly string[] {
  const directory = `${folder}/task`;
  try {
    return readdirSync(directory).map((thread) => `${directory}/${thread}`);
  } catch {
    return [];
  }
}
