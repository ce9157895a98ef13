import { expect, test } from "vitest";

import { pairedRatio, percentile, summarise } from "./statistics.js";

test("takes the middle of an odd number of samples, whatever their order", () => {
  expect(summarise([30, 10, 20])).toEqual({ median: 20, min: 10, max: 30, count: 3 });
});

test("takes the mean of the two middle ones of an even number", () => {
  expect(summarise([4, 1, 3, 2]).median).toBe(2.5);
});

test("refuses to sum up nothing", () => {
  expect(() => summarise([])).toThrow(RangeError);
});

test("interpolates percentiles between neighbours", () => {
  expect(percentile([0, 10, 20, 30, 40], 99)).toBeCloseTo(39.6);
  expect(percentile([7], 99)).toBe(7);
});

test("takes ratios within a round, so that a slow round does not count twice", () => {
  expect(pairedRatio([100, 10, 100], [200, 20, 200])).toEqual({
    median: 0.5,
    min: 0.5,
    max: 0.5,
    count: 3,
  });
});

test("leaves out rounds in which either side failed", () => {
  expect(pairedRatio([Number.NaN, 10, 30], [20, Number.NaN, 60])?.count).toBe(1);
  expect(pairedRatio([Number.NaN], [1])).toBeUndefined();
});
