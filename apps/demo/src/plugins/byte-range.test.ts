import { describe, expect, test } from "vitest";
import { byteRangeOf } from "./byte-range.js";

const whole = { kind: "whole" };
const unsatisfiable = { kind: "unsatisfiable" };
const part = (first: number, last: number) => ({ kind: "part", first, last });

describe("byteRangeOf", () => {
  test.each([
    ["bytes=0-9", 100, part(0, 9)],
    ["bytes=90-", 100, part(90, 99)],
    ["bytes=-10", 100, part(90, 99)],
    ["bytes=-1000", 100, part(0, 99)],
    ["bytes=99-1000", 100, part(99, 99)],
    ["BYTES=0-0", 100, part(0, 0)],
    ["bytes=0-99999999999999999999", 100, part(0, 99)],
  ])("answers %j of %i bytes with a part", (field, size, range) => {
    expect(byteRangeOf(field, size)).toEqual(range);
  });

  test.each([
    ["bytes=100-", 100],
    ["bytes=200-300", 100],
    ["bytes=-0", 100],
    ["bytes=0-", 0],
    ["bytes=-1", 0],
    ["bytes=99999999999999999999-", 100],
  ])("can't satisfy %j of %i bytes", (field, size) => {
    expect(byteRangeOf(field, size)).toEqual(unsatisfiable);
  });

  test.each([
    undefined,
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=5",
    "bytes=9-0",
    "bytes=1-2-3",
    "bytes=--1",
    "bytes=0-9,50-59",
    "lines=0-9",
  ])("ignores %j", (field) => {
    expect(byteRangeOf(field, 100)).toEqual(whole);
  });
});
