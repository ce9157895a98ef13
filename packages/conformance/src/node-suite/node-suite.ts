import { existsSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { knownFailures } from "./known-failures.js";
import type { Way } from "./messages.js";
import { type FileResult, runFile } from "./run-file.js";

/**
 * Runs the tests of Node's own HTTP server against a plugin behind a host. Of the files that pass
 * with each of their servers behind a plain proxy hop, at least 95 % have to pass with these servers
 * behind the bridge, and all others have to be known. Leaves with code 1 where that is not so.
 */
const usage = `npm run node-suite -w @servehttp/conformance -- --suite PATH [options]

  --suite PATH          a checkout of Node's repository, or a folder with its test/
  --only NAME,...       these files alone, without ".js" (default: all test-http-*)
  --carrier mux|stream  how exchanges travel (default: mux)
  --jobs N              files at once (default: one for each processor)
  --timeout MS          for one run of a file (default: 30000)
  --verbose             prints each file as it ends, and what it said if it failed behind the bridge
  --help                this
`;

const { values } = parseArgs({
  options: {
    suite: { type: "string" },
    only: { type: "string" },
    carrier: { type: "string", default: "mux" },
    jobs: { type: "string", default: String(availableParallelism()) },
    timeout: { type: "string", default: "30000" },
    verbose: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

/** The share of files that has to pass. */
const wantedShare = 0.95;

/** How far a file comes, and where it fails. */
type Verdict =
  | "has no server"
  | "fails behind a plain hop"
  | "fails behind the bridge"
  | "passes behind the bridge";

if (values.help || values.suite === undefined) {
  console.log(usage);
  process.exitCode = values.help ? 0 : 2;
} else {
  process.exitCode = (await runSuite(values.suite)) ? 0 : 1;
}

async function runSuite(suite: string): Promise<boolean> {
  const folder = join(suite, "test", "parallel");
  if (!existsSync(folder)) {
    throw new Error(`--suite: there is no ${folder}`);
  }
  const files = filesIn(folder);
  const verdicts = new Map<string, Verdict>();
  const queue = [...files];
  const work = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const verdict = await judge(join(folder, name));
      verdicts.set(name, verdict);
      if (values.verbose) {
        console.log(`${nameOf(name)} ${verdict}`);
      }
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  return report(verdicts);
}

function filesIn(folder: string): readonly string[] {
  const all = readdirSync(folder).filter((name) => /^test-http-.*\.m?js$/.test(name));
  const only = values.only?.split(",");
  return only === undefined ? all : all.filter((name) => only.includes(nameOf(name)));
}

function nameOf(file: string): string {
  return file.replace(/\.m?js$/, "");
}

async function judge(path: string): Promise<Verdict> {
  const hop = await run(path, "hop");
  if (hop.servers === 0) {
    return "has no server";
  }
  if (hop.outcome !== "passed") {
    return "fails behind a plain hop";
  }
  // Twice, before it counts as a failure: some of Node's tests are in a hurry.
  const first = await run(path, "bridge");
  const last = first.outcome === "passed" ? first : await run(path, "bridge");
  if (last.outcome === "passed") {
    return "passes behind the bridge";
  }
  if (values.verbose) {
    console.log(`\n--- ${path}\n${last.output}\n`);
  }
  return "fails behind the bridge";
}

function run(path: string, way: Way): Promise<FileResult> {
  const carrier = values.carrier === "stream" ? "stream" : "mux";
  return runFile(path, { way, carrier, timeoutMs: Number(values.timeout) });
}

function report(verdicts: ReadonlyMap<string, Verdict>): boolean {
  const named = (verdict: Verdict) =>
    [...verdicts]
      .filter(([, found]) => found === verdict)
      .map(([file]) => nameOf(file))
      .toSorted();
  const failed = named("fails behind the bridge");
  const passed = named("passes behind the bridge");
  const both = failed.length + passed.length;
  const share = both === 0 ? 1 : passed.length / both;
  const unknown = failed.filter((name) => !(name in knownFailures));
  const repaired = passed.filter((name) => name in knownFailures);
  console.log(`
Node ${process.versions.node}, carrier ${values.carrier}

${verdicts.size} files; ${named("has no server").length} have no server of node:http that listens, or are skipped
${named("fails behind a plain hop").length} fail behind a plain hop, or by themselves
${both} pass behind a plain hop, of which ${passed.length} pass behind the bridge: ${(share * 100).toFixed(1)} %
`);
  for (const name of failed) {
    console.log(`${name}: ${knownFailures[name] ?? "NOT KNOWN"}`);
  }
  for (const name of repaired) {
    console.log(`${name} passes now: take it off the list of known failures`);
  }
  const isGood = share >= wantedShare && unknown.length === 0 && repaired.length === 0;
  console.log(isGood ? "\ngood" : "\nNOT good");
  return isGood;
}
