/**
 * npm run table -- [RESULTS.json]
 *
 * Writes the figures of a run into the pages that show them, between the markers of each: all of
 * them into docs/benchmarks.md, five rows into README.md, and the figures to reach into
 * CONTRIBUTING.md. Default: the last run.
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import type { BenchReport } from "./bench-report.js";
import { fullTable, summaryTable, targetTable } from "./markdown-tables.js";
import { putBetweenMarkers } from "./put-between-markers.js";

const pages = [
  { path: besideThis("../../../docs/benchmarks.md"), render: fullTable },
  { path: besideThis("../../../README.md"), render: summaryTable },
  { path: besideThis("../../../CONTRIBUTING.md"), render: targetTable },
];

const [resultsPath = besideThis("../results/latest.json")] = process.argv.slice(2);
const report = JSON.parse(await readFile(resultsPath, "utf8")) as BenchReport;
for (const { path, render } of pages) {
  const page = await readFile(path, "utf8");
  await writeFile(path, putBetweenMarkers(page, render(report)));
  console.log(`written: ${path}`);
}

function besideThis(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
