/**
 * npm run keep -w @servehttp/bench -- [RESULTS.json]
 *
 * Keeps the figures of a run in apps/bench/history, by date and commit, and draws all that were kept
 * in docs/benchmarks-history.md. Default: the last run.
 */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { BenchReport } from "./bench-report.js";
import { historyPage } from "./history/history-page.js";
import { fileNameOf, type KeptRun, keptRunOf } from "./history/kept-run.js";
import { putBetweenMarkers } from "./put-between-markers.js";
import { wantedFigures } from "./wanted-figures.js";

const history = besideThis("../history");
const pagePath = besideThis("../../../docs/benchmarks-history.md");

const [resultsPath = besideThis("../results/latest.json")] = process.argv.slice(2);
const run = keptRunOf(JSON.parse(await readFile(resultsPath, "utf8")) as BenchReport);
await mkdir(history, { recursive: true });
await write(join(history, fileNameOf(run)), `${JSON.stringify(run, undefined, 2)}\n`);
const runs = await Promise.all(
  (await readdir(history)).map(
    async (name) => JSON.parse(await readFile(join(history, name), "utf8")) as KeptRun,
  ),
);
const page = await readFile(pagePath, "utf8");
await write(pagePath, putBetweenMarkers(page, historyPage(runs, wantedFigures)));

async function write(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  console.log(`written: ${path}`);
}

function besideThis(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
