import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { digestLine, manifestNames, manifestPath } from "./chart-digest.js";

it.each(manifestNames)("%s.yaml is rendered from the chart as it is", (name) => {
  const [first] = readFileSync(manifestPath(name), "utf8").split("\n");
  // Where it is not: npm run manifests -w @servehttp/conformance
  expect(first).toBe(digestLine(name));
});
