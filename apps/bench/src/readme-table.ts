import type { BenchReport, CaseReport } from "./bench-report.js";
import type { Metric } from "./cases/bench-case.js";
import { formatNumber } from "./format-number.js";
import { samplesOf } from "./samples-of.js";
import { pairedRatio, summarise } from "./statistics.js";
import { nodeFlags } from "./targets/node-command.js";
import { findFigures } from "./wanted-figures.js";

const start = "<!-- bench:start -->";
const end = "<!-- bench:end -->";

/** The text with `table` between its markers. Appends them where there are none. Throws for half a pair. */
export function putBetweenMarkers(text: string, table: string): string {
  const block = `${start}\n${table}\n${end}`;
  const startAt = text.indexOf(start);
  const endAt = text.indexOf(end);
  if (startAt === -1 && endAt === -1) {
    return `${text.trimEnd()}\n\n${block}\n`;
  }
  if (startAt === -1 || endAt < startAt) {
    throw new Error(`${start} and ${end} belong together, in this order`);
  }
  return text.slice(0, startAt) + block + text.slice(endAt + end.length);
}

/** A run in Markdown: who did how much of what, and what was to be reached. */
export function readmeTable(report: BenchReport): string {
  return [...describeRun(report), "", ...caseTable(report), ...figureTable(report)].join("\n");
}

function describeRun({ date, machine, options, missing, cases }: BenchReport): string[] {
  const lines = [
    `Measured on ${date.slice(0, 10)}: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ` +
      `${machine.system}, Node ${machine.node}. One run, ${options.rounds} rounds, every target in every round, ` +
      `load by ${options.generator === "wrk" ? "wrk" : "a Node process"}. Medians. A figure with × is a ratio to ` +
      "direct, the plugin's own `node:http` without a host, whose own figure stands in its column; the others are " +
      `values. Rows with ↓ are better the smaller. Every Node process ran with \`${nodeFlags.join(" ")}\`, ours and the ` +
      "peers' alike.",
  ];
  const failures = cases.flatMap((caseReport) =>
    Object.keys(caseReport.failures).map((target) => `${target} (${caseReport.title})`),
  );
  if (failures.length > 0) {
    lines.push("", `Failed (–): ${failures.join("; ")}.`);
  }
  if (Object.keys(missing).length > 0) {
    lines.push("", `Not on this machine: ${Object.keys(missing).join(", ")}.`);
  }
  return lines;
}

function caseTable(report: BenchReport): string[] {
  const targets = [
    ...new Set(
      report.cases.flatMap((one) => Object.values(one.samples).flatMap((row) => Object.keys(row))),
    ),
  ];
  return [
    tableRow(["", ...targets]),
    tableRow(["---", ...targets.map(() => "--:")]),
    ...report.cases.flatMap((caseReport) =>
      caseReport.metrics
        .filter(({ readme }) => readme !== undefined)
        .map((metric) =>
          tableRow([
            `${caseReport.title}: ${metric.name}, ${metric.unit}${metric.better === "less" ? " ↓" : ""}`,
            ...targets.map((target) => cell(caseReport, metric, target)),
          ]),
        ),
    ),
  ];
}

function cell(caseReport: CaseReport, { name, readme }: Metric, target: string): string {
  const samples = samplesOf(caseReport, name, target);
  const known = samples.filter(Number.isFinite);
  if (known.length === 0) {
    return "–";
  }
  if (readme === "value" || target === "direct") {
    return formatNumber(summarise(known).median);
  }
  const ratio = pairedRatio(samples, samplesOf(caseReport, name, "direct"));
  return ratio === undefined ? "–" : `${ratio.median.toFixed(2)} ×`;
}

function figureTable(report: BenchReport): string[] {
  const figures = findFigures(report);
  if (figures.length === 0) {
    return [];
  }
  return [
    "",
    tableRow(["to reach", "", "wanted", "found", ""]),
    tableRow(["---", "---", "--:", "--:", "---"]),
    ...figures.map(({ wanted, title, unit, found, reached }) =>
      tableRow([
        title,
        wanted.against === undefined
          ? `${wanted.target}: ${wanted.metric}, ${unit}`
          : `${wanted.target} to ${wanted.against}: ${wanted.metric}`,
        `${wanted.bound} ${wanted.value}`,
        found === undefined ? "–" : formatNumber(found),
        reached ? "reached" : "missed",
      ]),
    ),
  ];
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
