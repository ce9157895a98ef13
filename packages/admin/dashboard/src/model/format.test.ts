import { describe, expect, test } from "vitest";
import {
  formatAge,
  formatBytes,
  formatCount,
  formatList,
  formatMany,
  formatMs,
  formatRate,
} from "./format.js";

describe("figures on the page", () => {
  test.each([
    [0, "0"],
    [0.04, "< 0.1"],
    [0.5, "0.5"],
    [9.94, "9.9"],
    [9.96, "10"],
    [1_250.4, "1,250"],
  ])("writes %d requests a second as %s", (rate, text) => {
    expect(formatRate(rate)).toBe(text);
  });

  test.each([
    [0, "0 ms"],
    [0.42, "0.4 ms"],
    [9.97, "10 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [9_960, "10 s"],
    [88_000, "88 s"],
  ])("writes %d ms as %s", (ms, text) => {
    expect(formatMs(ms)).toBe(text);
  });

  test.each([
    [-5, "0 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [3_599_999, "59 min"],
    [19_200_000, "5 h 20 min"],
    [273_600_000, "3 d 4 h"],
  ])("writes an age of %d ms as %s", (ms, text) => {
    expect(formatAge(ms)).toBe(text);
  });

  test.each([
    [0, "0 B"],
    [1_023, "1,023 B"],
    [1_024, "1.0 KiB"],
    [1_048_575, "1.0 MiB"],
    [67_108_864, "64 MiB"],
    [2 ** 60, "1,048,576 TiB"],
  ])("writes %d bytes as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  test("counts in singular and plural", () => {
    expect([0, 1, 2_000].map((count) => formatMany(count, "request"))).toEqual([
      "0 requests",
      "1 request",
      "2,000 requests",
    ]);
    expect(formatMany(2, "try", "tries")).toBe("2 tries");
    expect(formatCount(12_345)).toBe("12,345");
  });

  test("lists names", () => {
    expect([[], ["a"], ["a", "b"], ["a", "b", "c"]].map(formatList)).toEqual([
      "",
      "a",
      "a and b",
      "a, b and c",
    ]);
  });
});
