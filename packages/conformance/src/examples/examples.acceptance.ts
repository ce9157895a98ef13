import { TemporaryDirectory } from "@servehttp/testkit";
import { Chromium } from "@servehttp/testkit/chromium";
import { afterAll, beforeAll, describe, it } from "vitest";
import type { ExampleFeature } from "./example-feature.js";
import type { ExampleMode, ExampleSite } from "./example-site.js";
import { examples } from "./examples.js";
import { InstalledExample } from "./installed-example.js";
import { packPackages } from "./packed-packages.js";

/** What it takes to install and build the largest of them on a slow machine. */
const installMsMax = 900_000;

const modes: readonly ExampleMode[] = ["production", "anywhere", "development"];

let packed: TemporaryDirectory;
let tarballs: readonly string[];
let browser: Chromium;

beforeAll(async () => {
  packed = await TemporaryDirectory.make();
  tarballs = await packPackages(packed.path);
  browser = await Chromium.launch();
}, installMsMax);

afterAll(async () => {
  await browser[Symbol.asyncDispose]();
  await packed[Symbol.asyncDispose]();
});

describe.each(Object.entries(examples))("%s", (name, features) => {
  let example: InstalledExample;

  beforeAll(async () => {
    example = await InstalledExample.create(name, tarballs, browser);
  }, installMsMax);

  afterAll(() => example[Symbol.asyncDispose]());

  for (const mode of modes) {
    const rows = features.filter((row) => (row.mode ?? "production") === mode);
    if (rows.length > 0) {
      describeMode(mode, rows, () => example);
    }
  }
});

function describeMode(
  mode: ExampleMode,
  rows: readonly ExampleFeature[],
  example: () => InstalledExample,
): void {
  describe(`in ${mode}`, () => {
    let site: ExampleSite;

    beforeAll(async () => {
      site = await example().start(mode);
    });

    afterAll(() => site[Symbol.asyncDispose]());

    // oxlint-disable-next-line vitest/expect-expect -- the rows have the expectations
    it.each(rows.map((row) => [row.feature, row] as const))("%s", (_feature, { check }) =>
      check(site),
    );
  });
}
