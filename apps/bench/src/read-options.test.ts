import { expect, test } from "vitest";

import { allCases } from "./cases/all-cases.js";
import { readOptions, usage } from "./read-options.js";
import { allTargets } from "./targets/all-targets.js";

test("measures everything in five rounds where nothing is said", () => {
  const options = readOptions([]);
  expect(options.cases).toEqual(allCases);
  expect(options.targets).toEqual(allTargets);
  expect([options.rounds, options.scale.seconds, options.help]).toEqual([5, 3, false]);
});

test("chooses cases by the start of their names, and targets by their whole names", () => {
  const { cases, targets } = readOptions(["--case", "get,up", "--target", "undici,mux"]);
  expect(cases.map(({ name }) => name)).toEqual(["get-1", "get-64", "get-256", "up"]);
  expect(targets.map(({ name }) => name)).toEqual(["mux", "undici"]);
});

test("refuses what does not exist", () => {
  expect(() => readOptions(["--case", "none"])).toThrow("there is no none, only: get-1");
  expect(() => readOptions(["--target", "mu"])).toThrow("there is no mu, only: direct");
  expect(() => readOptions(["--rounds", "0"])).toThrow("--rounds: a whole number of 1 or more");
  expect(() => readOptions(["--fast"])).toThrow("--fast");
});

test("asks for help by --help and -h, and the help names every option, case and target", () => {
  expect([readOptions(["--help"]).help, readOptions(["-h"]).help]).toEqual([true, true]);
  for (const option of ["case", "target", "rounds", "seconds", "quick", "json", "list", "help"]) {
    expect(usage).toContain(`  --${option} `);
  }
  for (const { name } of [...allCases, ...allTargets]) {
    expect(usage).toContain(name);
  }
});
