import type { BenchReport, CaseReport } from "./bench-report.js";
import type { Metric } from "./cases/bench-case.js";
import { formatNumber } from "./format-number.js";
import { samplesOf } from "./samples-of.js";
import { pairedRatio, type Summary, summarise } from "./statistics.js";
import { findFigures } from "./wanted-figures.js";

/**
 * What every target is compared with. Ratios are medians of the ratios within a round, with their
 * range.
 */
const allBases = ["direct", "nginx", "undici", "raw TCP relay"] as const;

/** The tables of one case, one for each metric. */
export function printCase(caseReport: CaseReport): void {
  for (const metric of caseReport.metrics) {
    const present = caseReport.samples[metric.name] ?? {};
    const bases = allBases.filter((base) => base in present);
    console.log(
      `\n${caseReport.title}: ${metric.name}, ${metric.unit} (${metric.better} is better)`,
    );
    printTable([
      ["", "median", "range", ...bases.map((base) => `of ${base}`)],
      ...rowsOf(caseReport, metric, bases),
    ]);
  }
  for (const [target, reason] of Object.entries(caseReport.failures)) {
    console.log(`  ${target} failed: ${reason.split("\n").slice(-6).join("\n    ")}`);
  }
}

/** What was wanted beside what was found. */
export function printFigures(report: BenchReport): void {
  const figures = findFigures(report);
  if (figures.length === 0) {
    return;
  }
  console.log("\nFigures to reach");
  printTable([
    ["", "", "wanted", "found", ""],
    ...figures.map(({ wanted, title, unit, found, reached }) => [
      title,
      `${wanted.target} ${wanted.metric}${wanted.against === undefined ? "" : ` of ${wanted.against}'s`}`,
      `${wanted.bound} ${wanted.value}${wanted.against === undefined ? ` ${unit}` : ""}`,
      found === undefined ? "not measured" : formatNumber(found),
      reached ? "reached" : "MISSED",
    ]),
  ]);
}

function rowsOf(
  caseReport: CaseReport,
  { name: metric }: Metric,
  bases: readonly string[],
): string[][] {
  return Object.keys(caseReport.samples[metric] ?? {}).flatMap((target) => {
    const samples = samplesOf(caseReport, metric, target);
    const known = samples.filter(Number.isFinite);
    if (known.length === 0) {
      return [];
    }
    const { median, min, max } = summarise(known);
    const ratios = bases.map((base) =>
      formatRatio(pairedRatio(samples, samplesOf(caseReport, metric, base))),
    );
    return [
      [target, formatNumber(median), `${formatNumber(min)} to ${formatNumber(max)}`, ...ratios],
    ];
  });
}

function formatRatio(ratio: Summary | undefined): string {
  return ratio === undefined
    ? ""
    : `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)})`;
}

function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    console.log(`  ${cells.join("   ").trimEnd()}`);
  }
}
