import { parseArgs } from "node:util";

import { allCases } from "./cases/all-cases.js";
import type { BenchCase, Scale } from "./cases/bench-case.js";
import { allTargets } from "./targets/all-targets.js";
import type { Target } from "./targets/target.js";

export interface BenchOptions {
  readonly cases: readonly BenchCase[];
  readonly targets: readonly Target[];
  readonly rounds: number;
  readonly scale: Scale;
  /** Where the JSON goes besides apps/bench/results. */
  readonly jsonPath: string | undefined;
  /** Print the cases and targets, and measure nothing. */
  readonly list: boolean;
  /** Print `usage`, and measure nothing. */
  readonly help: boolean;
}

/** What `--help` prints. */
export const usage = `Measures the bridge beside its peers, all in one run. Compare figures of one run only.

npm run bench -- [options]

  --case NAMES     only these cases, separated by commas; the start of a name chooses all that start so
  --target NAMES   only these targets, separated by commas
  --rounds N       how often every target is measured in every case (5; with --quick 2)
  --seconds N      how long load lasts in one round (3; with --quick 1)
  --quick          fewer rounds, shorter load, and bulk transfers of 128 MiB in place of 1 GiB
  --json FILE      write the results there, too; apps/bench/results/latest.json always has those of the last run
  --list           print the names of cases and targets
  --help           print this

npm run table      writes the last run into docs/benchmarks.md, README.md and CONTRIBUTING.md

Cases: ${allCases.map(({ name }) => name).join(", ")}
Targets: ${allTargets.map(({ name }) => name).join(", ")}
A target whose program is not installed is left out, and the run says what to install.`;

/**
 * Reads the command line. Lists are separated by commas; the start of a case's name chooses all
 * cases that start so ("get", "held").
 *
 * @throws Error for an option, a case or a target that does not exist, and for a number that is not
 *   allowed
 */
export function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      case: { type: "string" },
      target: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      list: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  return {
    cases: choose(allCases, values.case, (name, wish) => name.startsWith(wish)),
    targets: choose(allTargets, values.target, (name, wish) => name === wish),
    rounds: positive("--rounds", values.rounds, values.quick ? 2 : 5),
    scale: {
      seconds: positive("--seconds", values.seconds, values.quick ? 1 : 3),
      bulkBytes: values.quick ? 128 * 1024 * 1024 : 1024 * 1024 * 1024,
    },
    jsonPath: values.json,
    list: values.list,
    help: values.help,
  };
}

function choose<Named extends { readonly name: string }>(
  all: readonly Named[],
  wishes: string | undefined,
  matches: (name: string, wish: string) => boolean,
): Named[] {
  const chosen = new Set<Named>();
  for (const wish of wishes?.split(",") ?? all.map(({ name }) => name)) {
    const found = all.filter(({ name }) => matches(name, wish));
    if (found.length === 0) {
      throw new Error(`there is no ${wish}, only: ${all.map(({ name }) => name).join(", ")}`);
    }
    found.forEach((one) => chosen.add(one));
  }
  return all.filter((one) => chosen.has(one));
}

function positive(option: string, text: string | undefined, byDefault: number): number {
  const value = text === undefined ? byDefault : Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new Error(`${option}: a whole number of 1 or more, not ${text}`);
  }
  return value;
}
