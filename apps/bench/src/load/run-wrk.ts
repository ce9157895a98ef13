import { fileURLToPath } from "node:url";

import { Child } from "../child.js";
import type { RunningTarget } from "../targets/target.js";

export interface LoadOptions {
  readonly path: string;
  readonly connections: number;
  readonly seconds: number;
  /** Bytes of JSON to POST; a GET without. */
  readonly postBytes?: number;
}

/** What a load generator saw. */
export interface LoadResult {
  readonly requests: number;
  readonly durationUs: number;
  /** Connections that failed and requests that timed out. */
  readonly broken: number;
  /** Answers with a status of 400 or above. */
  readonly refused: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

const script = fileURLToPath(new URL("../../wrk/measure.lua", import.meta.url));

/**
 * Keeps `connections` busy with one request after the other. One thread: the servers need the
 * cores.
 */
export async function runWrk(target: RunningTarget, options: LoadOptions): Promise<LoadResult> {
  const url = `http://${target.host}:${target.port}${target.prefix}${options.path}`;
  const wrk = new Child("wrk", [
    "wrk",
    "--threads=1",
    `--connections=${options.connections}`,
    `--duration=${options.seconds}s`,
    "--timeout=10s",
    `--script=${script}`,
    url,
    "--",
    String(options.postBytes ?? 0),
  ]);
  const output = await wrk.output();
  return JSON.parse(output.trimEnd().split("\n").at(-1) ?? "") as LoadResult;
}
