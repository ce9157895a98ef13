import { delimiter, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { ExampleFeature } from "./example-feature.js";
import { ExampleSite } from "./example-site.js";
import { examples } from "./examples.js";

/**
 * Examples whose packages this repository has anyway: the gate runs them where they are, less what
 * needs a browser.
 */
const light = ["express", "fastify", "hono", "mcp"] as const;

describe.each(light)("%s", (name) => {
  const features: readonly ExampleFeature[] = examples[name];
  let site: ExampleSite;

  beforeAll(async () => {
    const directory = fileURLToPath(new URL(`../../../../examples/${name}`, import.meta.url));
    const path = `${dirname(process.execPath)}${delimiter}${process.env["PATH"]}`;
    site = await ExampleSite.start("production", directory, { ...process.env, PATH: path });
  });

  afterAll(() => site[Symbol.asyncDispose]());

  // oxlint-disable-next-line vitest/expect-expect -- the rows have the expectations
  it.each(
    features.filter((row) => row.inBrowser !== true).map((row) => [row.feature, row] as const),
  )("%s", (_feature, { check }) => check(site));
});
