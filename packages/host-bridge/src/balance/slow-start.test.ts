import { describe, expect, it } from "vitest";
import { slowStartFactor } from "./slow-start.js";

const slowStart = { windowMs: 60_000, aggression: 1, minWeightPercent: 10 };

describe("slowStartFactor", () => {
  it.each([
    // What Envoy's documentation computes: max(min weight, (time / window) ^ (1 / aggression)).
    { readyMs: 0, aggression: 1, factor: 0.1 },
    { readyMs: 30_000, aggression: 1, factor: 0.5 },
    { readyMs: 59_999, aggression: 1, factor: 59_999 / 60_000 },
    { readyMs: 60_000, aggression: 1, factor: 1 },
    { readyMs: 15_000, aggression: 2, factor: 0.5 },
    { readyMs: 0, aggression: 2, factor: (1 / 60) ** 0.5 },
    { readyMs: 30_000, aggression: 0.5, factor: 0.25 },
  ])(
    "is $factor after $readyMs ms with aggression $aggression",
    ({ factor, readyMs, ...other }) => {
      expect(slowStartFactor(readyMs, { ...slowStart, ...other })).toBeCloseTo(factor, 10);
    },
  );

  it("is never more than 1, also in a window shorter than a second", () => {
    expect(slowStartFactor(0, { ...slowStart, windowMs: 500 })).toBe(1);
    expect(slowStartFactor(0, { ...slowStart, windowMs: 0 })).toBe(1);
  });
});
