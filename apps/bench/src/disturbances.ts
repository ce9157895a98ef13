import type { BenchReport } from "./bench-report.js";
import { samplesOf } from "./samples-of.js";
import { summarise } from "./statistics.js";

/** A case in which direct, which nothing of ours is in, was not as fast in every round. */
export interface Disturbance {
  readonly case: string;
  readonly metric: string;
  /** How far the rounds of direct lie apart, as a share of their median. */
  readonly spread: number;
}

/** On a machine that does nothing else, the rounds of direct lie within this share of their median. */
export const calmSpreadMax = 0.15;

/**
 * The cases of a run that something else on the machine has disturbed: their ratios may be off by as
 * much. Cases without direct, and those of one round, tell nothing.
 */
export function disturbancesOf(report: BenchReport): Disturbance[] {
  return report.cases.flatMap((caseReport) => {
    const metric = caseReport.metrics.find(({ better }) => better === "more");
    const samples =
      metric === undefined
        ? []
        : samplesOf(caseReport, metric.name, "direct").filter(Number.isFinite);
    if (metric === undefined || samples.length < 2) {
      return [];
    }
    const { min, max, median } = summarise(samples);
    const spread = (max - min) / median;
    return spread > calmSpreadMax ? [{ case: caseReport.name, metric: metric.name, spread }] : [];
  });
}

/** In a sentence; undefined for a run that was not disturbed. */
export function describeDisturbances(disturbances: readonly Disturbance[]): string | undefined {
  if (disturbances.length === 0) {
    return undefined;
  }
  const cases = disturbances.map((one) => `${one.case} ${Math.round(one.spread * 100)} %`);
  return `Disturbed: the rounds of direct lie further apart than ${calmSpreadMax * 100} % of their median (${cases.join(", ")}).`;
}
