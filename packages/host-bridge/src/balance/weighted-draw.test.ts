import { randomRuns } from "@servehttp/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WeightedDraw } from "./weighted-draw.js";

/** How often each index comes for chances that are spread evenly. */
function drawn(weights: readonly number[], draws: number): readonly number[] {
  const draw = new WeightedDraw(weights);
  const counts = weights.map(() => 0);
  for (let at = 0; at < draws; at += 1) {
    const index = draw.draw((at + 0.5) / draws);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

describe("WeightedDraw", () => {
  it("draws each index as often as its weight says", () => {
    const weight = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0.01, max: 10 }));
    fc.assert(
      fc.property(
        fc.array(weight.filter(Number.isFinite), { minLength: 1, maxLength: 40 }),
        (weights) => {
          const draws = 20_000;
          const sum = weights.reduce((total, one) => total + one, 0);
          const counts = drawn(weights, draws);
          // Each slot of the table has a border, at which one draw may fall on either side.
          weights.forEach((one, index) => {
            expect(Math.abs((counts[index] ?? 0) - (one / sum) * draws)).toBeLessThanOrEqual(
              weights.length + 1,
            );
          });
        },
      ),
      randomRuns(300),
    );
  });

  it("draws evenly where all weights are the same", () => {
    expect(drawn([3, 3, 3, 3], 1_000)).toEqual([250, 250, 250, 250]);
  });

  it("draws one that weighs next to nothing beside one that weighs much", () => {
    const counts = drawn([65_535, 1], 655_360);
    expect(counts).toEqual([655_350, 10]);
  });
});
