import { expect, it } from "vitest";
import { afterWorkerEnd } from "./restart-delay.js";

it("starts a worker again at once that ran for long", () => {
  expect(afterWorkerEnd([], 50_000, 50_000)).toEqual({ failuresMs: [50_000], delayMs: 0 });
});

it("waits twice as long each time, and gives up at the fifth failure within a minute", () => {
  const delays: (number | undefined)[] = [];
  let failuresMs: readonly number[] = [];
  for (const nowMs of [0, 1_000, 2_000, 3_000, 4_000]) {
    const next = afterWorkerEnd(failuresMs, nowMs, 500);
    ({ failuresMs } = next);
    delays.push(next.delayMs);
  }
  expect(delays).toEqual([100, 200, 400, 800, undefined]);
});

it("forgets failures after a minute", () => {
  expect(afterWorkerEnd([0, 1, 2, 3], 60_500, 100)).toEqual({ failuresMs: [60_500], delayMs: 100 });
});
