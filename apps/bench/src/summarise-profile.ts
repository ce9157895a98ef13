import type { Profiler } from "node:inspector";

/** One line of a profile's summary. */
export interface SelfTime {
  /** "name file:line", or V8's own name for something else: "(garbage collector)". */
  readonly where: string;
  /** Of the time in which the process was not idle, 0 to 1. */
  readonly share: number;
}

export interface ProfileSummary {
  /** Of the whole recording, 0 to 1. */
  readonly idleShare: number;
  /** By function, largest first. */
  readonly functions: readonly SelfTime[];
  /** By file, largest first. */
  readonly files: readonly SelfTime[];
}

/** Adds up a `.cpuprofile`'s time by the function and by the file at the top of the stack. */
export function summariseProfile(profile: Profiler.Profile): ProfileSummary {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const byFunction = new Map<string, number>();
  const byFile = new Map<string, number>();
  let idleUs = 0;
  let busyUs = 0;
  for (const [index, id] of (profile.samples ?? []).entries()) {
    const frame = nodes.get(id)?.callFrame;
    const us = profile.timeDeltas?.[index] ?? 0;
    if (frame === undefined) {
      continue;
    }
    if (frame.functionName === "(idle)") {
      idleUs += us;
      continue;
    }
    busyUs += us;
    const file = shorten(frame.url);
    const name = frame.functionName === "" ? "(anonymous)" : frame.functionName;
    add(byFunction, file === "" ? name : `${name} ${file}:${frame.lineNumber + 1}`, us);
    add(byFile, file === "" ? name : file, us);
  }
  return {
    idleShare: idleUs / (idleUs + busyUs),
    functions: sharesOf(byFunction, busyUs),
    files: sharesOf(byFile, busyUs),
  };
}

function add(sums: Map<string, number>, where: string, us: number): void {
  sums.set(where, (sums.get(where) ?? 0) + us);
}

function sharesOf(sums: ReadonlyMap<string, number>, totalUs: number): SelfTime[] {
  return [...sums]
    .map(([where, us]) => ({ where, share: us / totalUs }))
    .toSorted((a, b) => b.share - a.share);
}

/**
 * Leaves of a module's URL what tells it apart: "packages/carrier/dist/x.js", "undici/lib/x.js".
 */
function shorten(url: string): string {
  return url
    .replace(/^file:\/\//, "")
    .replace(/^.*\/(?:node_modules\/|(?=(?:packages|apps)\/))/, "");
}
