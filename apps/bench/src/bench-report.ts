import type { Metric } from "./cases/bench-case.js";

/** All that a run found out, as it is written to JSON. */
export interface BenchReport {
  /** ISO 8601 */
  readonly date: string;
  /** The commit that was measured, with `-dirty` where files have changed since. */
  readonly commit: string;
  readonly machine: Machine;
  readonly options: RunOptions;
  /** Targets that this machine can't run, and what to install for them. */
  readonly missing: Readonly<Record<string, string>>;
  readonly cases: readonly CaseReport[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  /** "Linux 6.1.0 x64" */
  readonly system: string;
  readonly node: string;
}

export interface RunOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly bulkBytes: number;
  /** What put the load on in the request cases: "wrk" or "own". */
  readonly generator: string;
}

export interface CaseReport {
  readonly name: string;
  readonly title: string;
  readonly metrics: readonly Metric[];
  /** By metric and target: one value for each round, in their order. Null: there is none. */
  readonly samples: Readonly<
    Record<string, Readonly<Record<string, ReadonlyArray<number | null>>>>
  >;
  /** Why a target has no more samples, by target. */
  readonly failures: Readonly<Record<string, string>>;
}
