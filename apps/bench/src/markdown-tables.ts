import type { BenchReport, CaseReport } from "./bench-report.js";
import type { Metric } from "./cases/bench-case.js";
import { describeDisturbances, disturbancesOf } from "./disturbances.js";
import { formatNumber } from "./format-number.js";
import { samplesOf } from "./samples-of.js";
import { pairedRatio, summarise } from "./statistics.js";
import { nodeFlags } from "./targets/node-command.js";
import { findFigures } from "./wanted-figures.js";

/** The rows of the README's table: the name of a case, and one of its metrics. */
const summaryRows = [
  { case: "get-1", metric: "p50" },
  { case: "get-64", metric: "requests" },
  { case: "up", metric: "throughput" },
  { case: "down", metric: "throughput" },
  { case: "events", metric: "delivered" },
] as const;

/** The columns of the README's table: the name of a target, and what the README calls it. */
const summaryColumns: ReadonlyMap<string, string> = new Map([
  ["direct", "direct"],
  ["mux", "servehttp"],
  ["nginx", "nginx"],
  ["HAProxy", "HAProxy"],
  ["Go ReverseProxy", "Go ReverseProxy"],
  ["undici", "undici"],
]);

/**
 * For docs/benchmarks.md: the machine, and every target's figure for every metric that is shown.
 */
export function fullTable(report: BenchReport): string {
  const columns = new Map(targetsOf(report).map((target) => [target, target]));
  const rows = report.cases.flatMap((caseReport) =>
    caseReport.metrics
      .filter(({ shown }) => shown !== undefined)
      .map((metric) => metricRow(caseReport, metric, columns)),
  );
  return [...describeRun(report), "", ...table(["", ...columns.values()], rows)].join("\n");
}

/**
 * For the README: five rows, beside the peers that people know. Rows that were not measured are
 * left out.
 */
export function summaryTable(report: BenchReport): string {
  const rows = summaryRows.flatMap((row) => {
    const caseReport = report.cases.find(({ name }) => name === row.case);
    const metric = caseReport?.metrics.find(({ name }) => name === row.metric);
    return caseReport === undefined || metric === undefined
      ? []
      : [metricRow(caseReport, metric, summaryColumns)];
  });
  return table(["", ...summaryColumns.values()], rows).join("\n");
}

/**
 * For CONTRIBUTING.md: each figure that the bridge is built to reach, and whether it was reached.
 */
export function targetTable(report: BenchReport): string {
  const rows = findFigures(report).map(({ wanted, title, unit, found, reached }) => [
    wanted.against === undefined
      ? `${title}: ${wanted.metric}, ${unit}, of ${wanted.target}`
      : `${title}: ${wanted.metric}, ${wanted.target} to ${wanted.against}`,
    `${wanted.bound} ${wanted.value}`,
    found === undefined ? "–" : formatNumber(found),
    reached ? "reached" : "missed",
  ]);
  return [
    `Measured on ${report.date.slice(0, 10)}.`,
    "",
    ...table(["figure", "wanted", "found", ""], rows),
  ].join("\n");
}

function describeRun(report: BenchReport): string[] {
  const { date, machine, options, missing, cases } = report;
  const generator = options.generator === "wrk" ? "wrk" : "a Node process";
  const lines = [
    `Measured on ${date.slice(0, 10)}: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB,`,
    `${machine.system}, Node ${machine.node}. One run of ${options.rounds} rounds; every target takes part in every`,
    `round. The load comes from ${generator}. Figures are medians. Every Node process ran with`,
    `\`${nodeFlags.join(" ")}\`, ours and the peers' alike.`,
  ];
  const disturbed = describeDisturbances(disturbancesOf(report));
  if (disturbed !== undefined) {
    lines.push("", disturbed);
  }
  const failures = cases.flatMap((caseReport) =>
    Object.keys(caseReport.failures).map((target) => `- ${target}: ${caseReport.title}`),
  );
  if (failures.length > 0) {
    lines.push("", "These failed, and have a dash in the table:", "", ...failures);
  }
  if (Object.keys(missing).length > 0) {
    lines.push("", `Not on this machine: ${Object.keys(missing).join(", ")}.`);
  }
  return lines;
}

function targetsOf({ cases }: BenchReport): string[] {
  const names = cases.flatMap(({ samples }) =>
    Object.values(samples).flatMap((samplesByTarget) => Object.keys(samplesByTarget)),
  );
  return [...new Set(names)];
}

function metricRow(
  caseReport: CaseReport,
  metric: Metric,
  columns: ReadonlyMap<string, string>,
): string[] {
  return [
    `${caseReport.title}: ${metric.name}, ${metric.unit}${metric.better === "less" ? " ↓" : ""}`,
    ...Array.from(columns.keys(), (target) => cell(caseReport, metric, target)),
  ];
}

function cell(caseReport: CaseReport, { name, shown }: Metric, target: string): string {
  const samples = samplesOf(caseReport, name, target);
  const known = samples.filter(Number.isFinite);
  if (known.length === 0) {
    return "–";
  }
  if (shown === "value" || target === "direct") {
    return formatNumber(summarise(known).median);
  }
  const ratio = pairedRatio(samples, samplesOf(caseReport, name, "direct"));
  return ratio === undefined ? "–" : `${ratio.median.toFixed(2)} ×`;
}

/** The first column is text, the others are numbers. */
function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string[] {
  const alignment = head.map((_, column) => (column === 0 ? "---" : "--:"));
  return [head, alignment, ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}
