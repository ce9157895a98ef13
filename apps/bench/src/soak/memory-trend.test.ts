import { expect, test } from "vitest";

import { memoryTrend } from "./memory-trend.js";

const mebibyte = 1024 * 1024;

test("calls a series flat that moves up and down about one level", () => {
  const bytes = [10, 20, 30, 31, 29, 32, 30, 28, 31, 33, 30, 31].map((size) => size * mebibyte);
  expect(memoryTrend(bytes)?.flat).toBe(true);
});

test("calls a series that keeps growing not flat", () => {
  const bytes = Array.from({ length: 40 }, (_, index) => (30 + index) * mebibyte);
  expect(memoryTrend(bytes)).toEqual({
    earlyBytes: 44.5 * mebibyte,
    lateBytes: 64.5 * mebibyte,
    flat: false,
  });
});

test("says nothing about a handful of samples", () => {
  expect(memoryTrend([1, 2, 3, 4, 5, 6, 7])).toBeUndefined();
});
