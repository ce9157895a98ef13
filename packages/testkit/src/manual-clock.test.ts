import { expect, test } from "vitest";
import { ManualClock } from "./manual-clock.js";

const never = new AbortController().signal;

test("callbacks come in the order of their times, each at its own time", () => {
  const clock = new ManualClock();
  const calls: [string, number][] = [];
  clock.after(20, never, () => calls.push(["second", clock.nowMs()]));
  clock.after(10, never, () => {
    calls.push(["first", clock.nowMs()]);
    clock.after(5, never, () => calls.push(["between", clock.nowMs()]));
  });
  clock.advance(19);
  expect(calls).toEqual([
    ["first", 10],
    ["between", 15],
  ]);
  clock.advance(1);
  expect(calls[2]).toEqual(["second", 20]);
});

test("a callback whose signal has aborted does not come, and is not waited for", () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  let called = false;
  clock.after(10, controller.signal, () => {
    called = true;
  });
  expect(clock.waiting).toBe(1);
  controller.abort();
  expect(clock.waiting).toBe(0);
  clock.advance(10);
  expect(called).toBe(false);
});
