import { findOnPath } from "../targets/find-on-path.js";
import type { RunningTarget } from "../targets/target.js";
import { runOwnLoad } from "./run-own-load.js";
import { type LoadOptions, type LoadResult, runWrk } from "./run-wrk.js";

/** Puts load on a target: by wrk where it is installed, else by the bench's own generator. */
export async function runLoad(target: RunningTarget, options: LoadOptions): Promise<LoadResult> {
  return (await hasWrk()) ? runWrk(target, options) : runOwnLoad(target, options);
}

export async function hasWrk(): Promise<boolean> {
  wrkPath ??= findOnPath("wrk");
  return (await wrkPath) !== undefined;
}

let wrkPath: Promise<string | undefined> | undefined;
