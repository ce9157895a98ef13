/**
 * npm run table -w @servehttp/bench -- [RESULTS.json] [README.md]
 *
 * Puts the figures of a run between the markers of the README, and the markers at its end where it has none. By
 * default the last run and the README of the repository.
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import type { BenchReport } from "./bench-report.js";
import { putBetweenMarkers, readmeTable } from "./readme-table.js";

const [
  resultsPath = besideThis("../results/latest.json"),
  readmePath = besideThis("../../../README.md"),
] = process.argv.slice(2);
const report = JSON.parse(await readFile(resultsPath, "utf8")) as BenchReport;
const readme = await readFile(readmePath, "utf8");
await writeFile(readmePath, putBetweenMarkers(readme, readmeTable(report)));
console.log(`written: ${readmePath}`);

function besideThis(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
