/**
 * npm run bench -- --help
 *
 * Measures the bridge beside its peers, all in one run: compare figures of one run only.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { arch, cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import type { BenchReport, CaseReport, Machine } from "./bench-report.js";
import { Child, endChildrenWithThisProcess } from "./child.js";
import { describeDisturbances, disturbancesOf } from "./disturbances.js";
import { hasWrk } from "./load/run-load.js";
import { printCase, printFigures } from "./print-report.js";
import { type BenchOptions, readOptions, usage } from "./read-options.js";
import { runCase } from "./run-case.js";
import type { Target } from "./targets/target.js";

const resultsDirectory = fileURLToPath(new URL("../results", import.meta.url));
await run(readCommandLine());

/** Undefined: the command line was wrong, and stderr has said why. */
async function run(options: BenchOptions | undefined): Promise<void> {
  if (options?.help === true) {
    console.log(usage);
  } else if (options?.list === true) {
    console.log(`cases: ${options.cases.map(({ name }) => name).join(", ")}`);
    console.log(`targets: ${options.targets.map(({ name }) => name).join(", ")}`);
  } else if (options !== undefined) {
    endChildrenWithThisProcess();
    await measure(options);
  }
}

function readCommandLine(): BenchOptions | undefined {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(
      `${error instanceof Error ? error.message : String(error)}\nnpm run bench -- --help`,
    );
    process.exitCode = 2;
    return undefined;
  }
}

async function measure(options: BenchOptions): Promise<void> {
  const { present, missing } = await findTargets(options.targets);
  const withWrk = await hasWrk();
  sayWhatIsMissing(missing, withWrk);
  const cases: CaseReport[] = [];
  for (const benchCase of options.cases) {
    console.log(`\n${benchCase.name}: ${benchCase.title}`);
    const caseReport = await runCase(benchCase, present, options.rounds, options.scale, (line) =>
      console.log(line),
    );
    printCase(caseReport);
    cases.push(caseReport);
  }
  const report: BenchReport = {
    date: new Date().toISOString(),
    commit: await describeCommit(),
    machine: describeMachine(),
    options: { rounds: options.rounds, ...options.scale, generator: withWrk ? "wrk" : "own" },
    missing,
    cases,
  };
  printFigures(report);
  const disturbed = describeDisturbances(disturbancesOf(report));
  if (disturbed !== undefined) {
    console.log(`\n${disturbed}`);
  }
  await write(report, options.jsonPath);
}

async function findTargets(targets: readonly Target[]): Promise<{
  readonly present: Target[];
  readonly missing: Record<string, string>;
}> {
  const present: Target[] = [];
  const missing: Record<string, string> = {};
  for (const target of targets) {
    const remedy = await target.missing();
    if (remedy === undefined) {
      present.push(target);
    } else {
      missing[target.name] = remedy;
    }
  }
  return { present, missing };
}

function sayWhatIsMissing(missing: Readonly<Record<string, string>>, withWrk: boolean): void {
  const aptPackages = withWrk ? [] : ["wrk"];
  for (const [name, remedy] of Object.entries(missing)) {
    const aptPackage = /^apt-get install (.*)$/.exec(remedy)?.[1];
    if (aptPackage === undefined) {
      console.log(`Left out: ${name}. To have it: ${remedy}`);
    } else {
      console.log(`Left out: ${name}.`);
      aptPackages.push(aptPackage);
    }
  }
  if (!withWrk) {
    console.log("No wrk: a Node process puts the load on, which takes more from the servers.");
  }
  if (aptPackages.length > 0) {
    console.log(`To have all of it: apt-get install ${aptPackages.join(" ")}`);
  }
}

async function describeCommit(): Promise<string> {
  const git = new Child("git", ["git", "describe", "--always", "--dirty", "--exclude=*"]);
  return (await git.output()).trim();
}

function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()} ${arch()}`,
    node: process.version,
  };
}

async function write(report: BenchReport, jsonPath: string | undefined): Promise<void> {
  const json = `${JSON.stringify(report, undefined, 2)}\n`;
  await mkdir(resultsDirectory, { recursive: true });
  const paths = [
    join(resultsDirectory, "latest.json"),
    ...(jsonPath === undefined ? [] : [jsonPath]),
  ];
  for (const path of paths) {
    await writeFile(path, json);
    console.log(`\nwritten: ${path}`);
  }
}
