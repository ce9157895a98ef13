import { expect, test } from "vitest";
import { SeededRandom } from "./seeded-random.js";

const drawn = (seed: number) => {
  const random = new SeededRandom(seed);
  const integers = Array.from({ length: 1_000 }, () => random.integer(-2, 2));
  return { integers, bytes: random.bytes(7).toString("hex"), picked: random.pick(["a", "b", "c"]) };
};

test("draws the same for one seed, and something else for another", () => {
  expect(drawn(1)).toEqual(drawn(1));
  expect(drawn(2)).not.toEqual(drawn(1));
});

test("draws integers between both bounds, and both of them", () => {
  expect([...new Set(drawn(1).integers)].toSorted((one, other) => one - other)).toEqual([
    -2, -1, 0, 1, 2,
  ]);
});

test("picks from nothing with an error", () => {
  expect(() => new SeededRandom(1).pick([])).toThrow(RangeError);
});
