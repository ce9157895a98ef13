import type { RunningTarget, StartOptions } from "../targets/target.js";

/** One figure that a case measures. */
export interface Metric {
  /** Its key in samples and JSON. */
  readonly name: string;
  readonly unit: string;
  readonly better: "more" | "less";
  /** What its row of docs/benchmarks.md shows. Default: the page has no row for it. */
  readonly shown?: "ratio to direct" | "value";
}

/** How much work a sample is. */
export interface Scale {
  /** How long load lasts. */
  readonly seconds: number;
  /** Bytes of one bulk transfer. */
  readonly bulkBytes: number;
}

/** One value for every metric, by its name. */
export type Sample = Readonly<Record<string, number>>;

export interface BenchCase {
  /** As in `--case`. */
  readonly name: string;
  readonly title: string;
  readonly metrics: readonly Metric[];
  /** Whether every sample needs new processes. Then there is no warm-up. */
  readonly fresh?: boolean;
  /** How long load lasts before the first round. Default: a quarter of a round. */
  readonly warmUpSeconds?: number;
  /** Fewer rounds than the run has, for a case that takes long and varies little. */
  readonly roundsMax?: number;
  /** The names of the targets that can do it. Default: every target that carries any request. */
  readonly targets?: readonly string[];
  /** How its targets are started. */
  readonly start?: StartOptions;
  /** Throws when the target can't do it, or did it wrong. */
  measure(target: RunningTarget, scale: Scale): Promise<Sample>;
}
