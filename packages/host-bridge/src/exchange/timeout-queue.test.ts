import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type QueuedTimeout, TimeoutQueue } from "./timeout-queue.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

class Timeout implements QueuedTimeout {
  queue: TimeoutQueue | undefined;
  previous: QueuedTimeout | undefined;
  next: QueuedTimeout | undefined;
  readonly dueMs = performance.now() + 1_000;
  readonly onDue: () => void;

  constructor(onDue: () => void) {
    this.onDue = onDue;
  }

  due(): void {
    this.onDue();
  }
}

/** A queue with one more timeout every 100 ms, and what has happened. */
function filled(count: number): { queue: TimeoutQueue; timeouts: Timeout[]; log: string[] } {
  const queue = new TimeoutQueue();
  const log: string[] = [];
  const timeouts: Timeout[] = [];
  for (let number = 0; number < count; number += 1) {
    const timeout = new Timeout(() => log.push(`${number} at ${Math.round(performance.now())}`));
    timeouts.push(timeout);
    queue.add(timeout, performance.now());
    vi.advanceTimersByTime(100);
  }
  return { queue, timeouts, log };
}

it("tells each one when its time has come, by one timer", () => {
  const beginMs = performance.now();
  const { log } = filled(3);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1_000);
  const at = (ms: number) => Math.round(beginMs + ms);
  expect(log).toEqual([`0 at ${at(1_000)}`, `1 at ${at(1_100)}`, `2 at ${at(1_200)}`]);
  expect(vi.getTimerCount()).toBe(0);
});

it.each([
  [0, "12"],
  [1, "02"],
  [2, "01"],
])("forgets the one at %i, wherever it stands", (gone, left) => {
  const { queue, timeouts, log } = filled(3);
  queue.delete(timeouts[gone] as Timeout);
  vi.advanceTimersByTime(2_000);
  expect(log.map((line) => line[0]).join("")).toBe(left);
  expect(vi.getTimerCount()).toBe(0);
});

it("keeps its timer when the last one goes, until it would have been due", () => {
  const { queue, timeouts, log } = filled(2);
  for (const timeout of timeouts) {
    queue.delete(timeout);
  }
  expect(vi.getTimerCount()).toBe(1);
  const late = new Timeout(() => log.push(`late at ${Math.round(performance.now() - addedMs)}`));
  const addedMs = performance.now();
  queue.add(late, addedMs);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(999);
  expect(log).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(log).toEqual(["late at 1000"]);
  expect(vi.getTimerCount()).toBe(0);
});

it("holds no process with its timer", () => {
  vi.useRealTimers();
  // Those that hold the process.
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;
  const before = timers();
  const queue = new TimeoutQueue();
  const timeout = new Timeout(() => undefined);
  queue.add(timeout, performance.now());
  expect(timers()).toBe(before);
  queue.delete(timeout);
});

it("lets whoever is told leave others out, and wait again", () => {
  const queue = new TimeoutQueue();
  const log: string[] = [];
  const second = new Timeout(() => log.push("second"));
  const third = new Timeout(() => log.push("third"));
  const first = new Timeout(() => {
    log.push("first");
    queue.delete(second);
    queue.add(again, performance.now());
  });
  for (const timeout of [first, second, third]) {
    queue.add(timeout, performance.now());
  }
  vi.advanceTimersByTime(500);
  const again = new Timeout(() => log.push("again"));
  vi.advanceTimersByTime(500);
  expect(log).toEqual(["first", "third"]);
  vi.advanceTimersByTime(500);
  expect(log).toEqual(["first", "third", "again"]);
  expect(vi.getTimerCount()).toBe(0);
});
