import { readdirSync, readFileSync } from "node:fs";

/** The children of a process whose command line has a word, as the system tells (Linux). */
export function childrenOf(pid: number, word: string): readonly number[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => textOf(`/proc/${pid}/task/${task}/children`).split(" "))
    .filter((child) => child !== "" && textOf(`/proc/${child}/cmdline`).includes(word))
    .map(Number);
}

/** Empty for a process that is gone by now. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
