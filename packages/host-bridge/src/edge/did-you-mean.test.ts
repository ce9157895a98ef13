import { expect, it } from "vitest";
import { didYouMean } from "./did-you-mean.js";

const words = ["plugins", "prefix", "publicPath", "enabled", "edge"];

it.each([
  ["pluigns", "plugins"],
  ["plugin", "plugins"],
  ["pluginss", "plugins"],
  ["Prefix", "prefix"],
  ["prefiks", "prefix"],
  ["publicpath", "publicPath"],
  ["edg", "edge"],
  ["plugins", "plugins"],
])("takes %s for %s", (given, meant) => {
  expect(didYouMean(given, words)).toBe(` (did you mean ${meant}?)`);
});

it.each(["", "x", "timeouts", "e".repeat(100_000)])("takes %.10s for nothing", (given) => {
  expect(didYouMean(given, words)).toBe("");
});

it("names the first of two that are as near", () => {
  expect(didYouMean("bar", ["bat", "ban"])).toBe(" (did you mean bat?)");
  expect(didYouMean("bar", [])).toBe("");
});
