import { describe, expect, test } from "vitest";
import { type Columns, greatest, sampleAt, windowMs, withSample } from "./columns.js";

const none: Columns = {
  atUnixMs: [],
  requestsPerSecond: [],
  p50Ms: [],
  p99Ms: [],
  memoryBytes: [],
  inFlight: [],
  waiting: [],
};
const sample = (atUnixMs: number) => ({
  atUnixMs,
  requestsPerSecond: atUnixMs / 1_000,
  p50Ms: 1,
  p99Ms: null,
  memoryBytes: 2,
  inFlight: 3,
  waiting: 4,
});

describe("the samples of a plugin", () => {
  test("come one behind the other, each once", () => {
    const two = withSample(withSample(none, sample(1_000)), sample(2_000));
    expect(two.atUnixMs).toEqual([1_000, 2_000]);
    expect(two.requestsPerSecond).toEqual([1, 2]);
    expect(two.p99Ms).toEqual([null, null]);
    expect(withSample(two, sample(2_000))).toBe(two);
  });

  test("go when they are older than the charts", () => {
    const old = withSample(withSample(none, sample(0)), sample(5_000));
    expect(withSample(old, sample(windowMs + 1)).atUnixMs).toEqual([5_000, windowMs + 1]);
    expect(withSample(old, sample(windowMs * 3)).atUnixMs).toEqual([windowMs * 3]);
  });

  test("are found by a time, but not across a gap", () => {
    const two = withSample(withSample(none, sample(1_000)), sample(2_000));
    expect(sampleAt(two, 1_999)).toEqual(sample(1_000));
    expect(sampleAt(two, 12_000)).toEqual(sample(2_000));
    expect(sampleAt(two, 12_001)).toBeUndefined();
    expect(sampleAt(two, 999)).toBeUndefined();
  });

  test("have a greatest, where anything is known", () => {
    expect(greatest([null, 3, 1])).toBe(3);
    expect(greatest([null])).toBeUndefined();
  });
});
