import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AppName } from "./apps/create-app.js";
import type { FrameworkFeature } from "./framework-feature.js";
import { Sites, type Way } from "./site.js";

const ways: readonly Way[] = ["direct", "stream", "mux"];

/** Declares a test for each feature and each way in which the application is reached. */
export function runFeatures(name: AppName, features: readonly FrameworkFeature[]): void {
  let sites: Sites;

  beforeAll(async () => {
    sites = await Sites.start(name);
  });

  afterAll(() => sites[Symbol.asyncDispose]());

  it("runs over both carriers", () => {
    expect(sites.carriers).toEqual([
      ["stream", "stream"],
      ["mux", "mux"],
    ]);
  });

  for (const way of ways) {
    describe(`reached by way of ${way}`, () => {
      const rows = features.filter((row) => row.ways?.includes(way) ?? true);
      // oxlint-disable-next-line vitest/expect-expect -- the rows have the expectations
      it.each(rows.map((row) => [row.feature, row] as const))("%s", (_feature, { check }) =>
        check(sites.get(way)),
      );
    });
  }
}
