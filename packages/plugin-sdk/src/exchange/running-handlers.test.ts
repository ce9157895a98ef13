import { expect, it } from "vitest";
import { RunningHandlers } from "./running-handlers.js";

it("resolves for all who wait when the last handler has left, and at once when none runs", async () => {
  const running = new RunningHandlers();
  await running.whenIdle();
  running.enter();
  running.enter();
  let idle = 0;
  const count = (): void => {
    idle += 1;
  };
  const waits = [running.whenIdle().then(count), running.whenIdle().then(count)];
  running.leave();
  await Promise.resolve();
  expect([running.count, idle]).toEqual([1, 0]);
  running.leave();
  await Promise.all(waits);
  expect([running.count, idle]).toEqual([0, 2]);
});
