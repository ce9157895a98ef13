import { describe, expect, it } from "vitest";
import { LatencyAverage, latencyDecayMs } from "./latency-average.js";

describe("LatencyAverage", () => {
  it("is the geometric mean of what came at once", () => {
    const average = new LatencyAverage();
    for (const ms of [1, 10, 100, 10, 10]) {
      average.sample(ms, 0);
    }
    expect(Math.exp(average.log)).toBeCloseTo(10, 6);
    expect(average.variance).toBeCloseTo((2 * Math.log(10) ** 2) / 5 / 4, 6);
  });

  it("tells nothing from a few samples", () => {
    const average = new LatencyAverage();
    for (let at = 0; at < 4; at += 1) {
      average.sample(5, 0);
      expect(average.variance).toBe(Number.POSITIVE_INFINITY);
    }
    average.sample(5, 0);
    expect(average.variance).toBeCloseTo(0, 6);
  });

  it("forgets what was long ago", () => {
    const average = new LatencyAverage();
    for (let at = 0; at < 100; at += 1) {
      average.sample(100, at);
    }
    for (let at = 0; at < 100; at += 1) {
      average.sample(1, 10 * latencyDecayMs + at);
    }
    expect(Math.exp(average.log)).toBeCloseTo(1, 1);
  });

  it("is moved little by one long pause", () => {
    const average = new LatencyAverage();
    for (let at = 0; at < 1_000; at += 1) {
      average.sample(2, at);
    }
    average.sample(200, 1_000);
    expect(Math.exp(average.log)).toBeLessThan(2.1);
  });

  it("takes a time of 0 for a microsecond", () => {
    const average = new LatencyAverage();
    average.sample(0, 0);
    expect(Math.exp(average.log)).toBeCloseTo(0.001, 9);
  });
});
