import type { CaseReport } from "./bench-report.js";

/** One value a round, NaN where there is none; empty for a target that did not take part. */
export function samplesOf(caseReport: CaseReport, metric: string, target: string): number[] {
  return (caseReport.samples[metric]?.[target] ?? []).map((value) => value ?? Number.NaN);
}
