import { describe, expect, it } from "vitest";
import {
  addressRules,
  afterFailure,
  type FailureHistory,
  noFailures,
  restartRules,
} from "./restart-policy.js";

/**
 * Fails again and again, each time `afterMs` behind its start, of which it was ready for `ranMs`.
 * Returns the delays until it is given up.
 */
function delays(
  afterMs: number,
  ranMs = afterMs,
  chance = 0.5,
  failures = 20,
  rules = restartRules,
): (number | undefined)[] {
  let history: FailureHistory = noFailures;
  let nowMs = 1_000_000;
  const found: (number | undefined)[] = [];
  for (let number = 0; number < failures; number++) {
    nowMs += afterMs;
    const next = afterFailure(history, nowMs, ranMs, chance, rules);
    found.push(next.delayMs);
    if (next.delayMs === undefined) {
      break;
    }
    history = next.history;
    nowMs += next.delayMs;
  }
  return found;
}

describe("afterFailure (O3)", () => {
  it("doubles from 100 ms and gives up at the fifth failure within 60 s", () => {
    expect(delays(0)).toEqual([100, 200, 400, 800, undefined]);
    expect(delays(9_999)).toEqual([100, 200, 400, 800, undefined]);
  });

  it("goes on, and stays at 30 s, when failures lie further apart", () => {
    expect(delays(25_000, 0, 0.5, 12)).toEqual([
      100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000,
    ]);
  });

  it("L8 starts at once behind a run of 10 s, and gives up at the fifth failure all the same", () => {
    expect(delays(20_000, 10_000, 0.5, 4)).toEqual([0, 0, 0, 0]);
    expect(delays(10_000)).toEqual([0, 0, 0, 0, undefined]);
  });

  it("delays the failures that follow the first behind a run of 10 s", () => {
    const first = afterFailure(noFailures, 20_000, 10_000, 0.5);
    const second = afterFailure(first.history, 21_000, 500, 0.5);
    const third = afterFailure(second.history, 22_000, 500, 0.5);
    const fourth = afterFailure(third.history, 42_000, 20_000, 0.5);
    const all = [first, second, third, fourth];
    expect(all.map(({ delayMs }) => delayMs)).toEqual([0, 100, 200, 0]);
  });

  it("never gives an address up, and begins anew after each connection", () => {
    expect(delays(50, 50, 0.5, 6, addressRules)).toEqual([100, 100, 100, 100, 100, 100]);
    expect(delays(0, 0, 0.5, 6, addressRules)).toEqual([100, 200, 400, 800, 1_600, 3_200]);
    const broken = afterFailure(noFailures, 0, 50, 0.5, addressRules);
    expect(afterFailure(broken.history, 0, 0, 0.5, addressRules).delayMs).toBe(100);
  });

  it("moves a delay by a fifth at the most", () => {
    expect(delays(0, 0, 0)[0]).toBeCloseTo(80);
    expect(delays(0, 0, 1)[0]).toBeCloseTo(120);
    expect(delays(25_000, 0, 1, 12)[11]).toBeCloseTo(36_000);
  });

  it("forgets failures that left the window", () => {
    let history: FailureHistory = noFailures;
    for (let number = 0; number < 1_000; number++) {
      history = afterFailure(history, number * 20_000, 0, 0.5).history;
    }
    expect(history.timesMs.length).toBeLessThan(restartRules.failuresMax);
  });
});
