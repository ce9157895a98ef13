import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AppName } from "./apps/create-app.js";
import type { FrameworkFeature } from "./framework-feature.js";
import type { TargetName } from "../targets/target-names.js";
import { ServedApp } from "./served-app.js";

const targets: readonly TargetName[] = ["direct", "stream", "mux"];

/** Makes a test of each feature on each target on which the application is served. */
export function runFeatures(name: AppName, features: readonly FrameworkFeature[]): void {
  let served: ServedApp;

  beforeAll(async () => {
    served = await ServedApp.start(name);
  });

  afterAll(() => served[Symbol.asyncDispose]());

  it("runs over both carriers", () => {
    expect(served.carriers).toEqual([
      ["stream", "stream"],
      ["mux", "mux"],
    ]);
  });

  for (const target of targets) {
    describe(`served on target ${target}`, () => {
      const rows = features.filter((row) => row.targets?.includes(target) ?? true);
      // oxlint-disable-next-line vitest/expect-expect -- the rows have the expectations
      it.each(rows.map((row) => [row.feature, row] as const))("%s", (_feature, { check }) =>
        check(served.get(target)),
      );
    });
  }
}
