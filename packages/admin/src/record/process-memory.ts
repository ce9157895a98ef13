import { readFileSync } from "node:fs";

/** What a page of memory has on Linux, on every processor that Node runs on but a few. */
const pageBytes = 4_096;

/** The resident memory of a process in bytes; undefined where that can't be told. */
export function processMemory(pid: number): number | undefined {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    return Number.isFinite(pages) ? pages * pageBytes : undefined;
  } catch {
    // It is gone, or this is no Linux.
    return undefined;
  }
}
