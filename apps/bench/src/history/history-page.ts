import { describeDisturbances } from "../disturbances.js";
import { formatNumber } from "../format-number.js";
import { nameOf, type WantedFigure } from "../wanted-figures.js";
import type { KeptRun } from "./kept-run.js";

/**
 * The page about all runs that were kept, oldest first: a drawing and a table for every figure that
 * was measured in more than one of them, and what each run was.
 */
export function historyPage(runs: readonly KeptRun[], wanted: readonly WantedFigure[]): string {
  const sorted = runs.toSorted((a, b) => (a.date < b.date ? -1 : 1));
  return [runTable(sorted), ...wanted.flatMap((figure) => figureSection(sorted, figure))].join(
    "\n\n",
  );
}

function runTable(runs: readonly KeptRun[]): string {
  const rows = runs.map(
    (run, index) =>
      `| ${index + 1} | ${run.date.slice(0, 16).replace("T", " ")} | ${run.commit} | ${run.cpu}, ${run.cores} cores | ${run.node} | ${run.rounds} | ${describeDisturbances(run.disturbances) ?? "calm"} |`,
  );
  return [
    "| run | UTC | commit | processor | Node | rounds | |",
    "| --: | --- | --- | --- | --- | --: | --- |",
    ...rows,
  ].join("\n");
}

function figureSection(runs: readonly KeptRun[], figure: WantedFigure): string[] {
  const name = nameOf(figure);
  const points = runs.flatMap(({ figures }, index) => {
    const value = figures[name];
    return value === undefined ? [] : [{ run: index + 1, value }];
  });
  if (points.length < 2) {
    return [];
  }
  const values = points.map(({ value }) => value);
  const top = Math.max(...values, figure.value) * 1.1;
  return [
    `## ${name}`,
    `Wanted: ${figure.bound} ${figure.value}. Found: ${points.map(({ run, value }) => `${formatNumber(value)} (${run})`).join(", ")}.`,
    [
      "```mermaid",
      "xychart-beta",
      `  x-axis "run" [${points.map(({ run }) => run).join(", ")}]`,
      `  y-axis "${figure.bound} ${figure.value}" 0 --> ${Number(top.toPrecision(2))}`,
      `  line [${values.join(", ")}]`,
      `  line [${values.map(() => figure.value).join(", ")}]`,
      "```",
    ].join("\n"),
  ];
}
