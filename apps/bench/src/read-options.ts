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
  /** Only say what there is. */
  readonly list: boolean;
}

/**
 * Reads the command line. Lists are separated by commas; a case is also meant by the start of its name ("get",
 * "held"). Throws for what there isn't.
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
      throw new Error(`no ${wish}; there is: ${all.map(({ name }) => name).join(", ")}`);
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
