import type { ServeHTTPError } from "@servehttp/contract";
import { describe, expect, it } from "vitest";
import {
  healthBusyMsMax,
  healthIntervalMs,
  healthMissesMax,
  healthSampleMs,
  healthTimeoutMs,
} from "../limits.js";
import type { ProcessorTime } from "../process/processor-time.js";
import { ManualClock, turns } from "@servehttp/testkit";
import { HealthWatch } from "./health-watch.js";

/** A plugin that answers by what the test says: undefined for not at all. */
class Plugin {
  answer: boolean | undefined | Error = true;
  asked = 0;
  /** What its process has had so far; undefined where nobody knows. */
  time: ProcessorTime | undefined = { usedMs: 1_000, waitedMs: 1_000 };
  #pending: PromiseWithResolvers<boolean> | undefined;

  isServing(): Promise<boolean> {
    this.asked += 1;
    this.#pending = Promise.withResolvers<boolean>();
    this.#answer();
    return this.#pending.promise;
  }

  /** Answers the question that waits. */
  wake(answer = true): void {
    this.answer = answer;
    this.#answer();
  }

  /** Spends time, a share of it running and a share of it waiting for a processor. */
  spend(ms: number, used: number, waited: number): void {
    if (this.time === undefined) {
      return;
    }
    const { usedMs, waitedMs } = this.time;
    this.time = { usedMs: usedMs + ms * used, waitedMs: waitedMs + ms * waited };
  }

  #answer(): void {
    if (this.answer instanceof Error) {
      this.#pending?.reject(this.answer);
    } else if (this.answer !== undefined) {
      this.#pending?.resolve(this.answer);
    }
  }
}

function watch() {
  const clock = new ManualClock();
  const plugin = new Plugin();
  const hung: ServeHTTPError[] = [];
  const opens: boolean[] = [];
  const misses = { count: 0 };
  const health: HealthWatch = new HealthWatch({
    isServing: () => plugin.isServing(),
    processorTime: () => plugin.time,
    onChange: () => void opens.push(health.open),
    onMiss: () => void (misses.count += 1),
    onHung: (reason) => void hung.push(reason),
    clock,
  });
  /** Lets time pass, of which the plugin spends shares running and waiting for a processor. */
  const pass = async (ms: number, used = 0, waited = 0): Promise<void> => {
    for (let leftMs = ms; leftMs > 0; leftMs -= healthSampleMs) {
      plugin.spend(Math.min(leftMs, healthSampleMs), used, waited);
      clock.advance(Math.min(leftMs, healthSampleMs));
    }
    await turns(1);
  };
  return { clock, health, hung, misses, opens, pass, plugin };
}

describe("HealthWatch", () => {
  it("asks at its interval, one question at a time", async () => {
    const { clock, health, hung, pass, plugin } = watch();
    for (let count = 1; count <= 5; count += 1) {
      await pass(healthIntervalMs);
      expect(plugin.asked).toBe(count);
      expect(clock.waiting).toBe(1);
    }
    expect([health.open, hung]).toEqual([true, []]);
    health.stop();
    expect(clock.waiting).toBe(0);
  });

  it("sends a plugin nothing new after its first miss, until it answers", async () => {
    const { health, hung, misses, opens, pass, plugin } = watch();
    plugin.answer = undefined;
    await pass(healthIntervalMs);
    await pass(healthTimeoutMs - 1);
    expect([health.open, misses.count]).toEqual([true, 0]);
    await pass(1);
    expect([health.open, misses.count]).toEqual([false, 1]);
    await pass(healthTimeoutMs);
    expect(misses.count).toBe(1);
    plugin.wake();
    await turns(1);
    expect([health.open, opens, hung]).toEqual([true, [false, true], []]);
    expect(plugin.asked).toBe(1);
  });

  it("takes a plugin for hung that sleeps through three times", async () => {
    const { clock, health, hung, pass, plugin } = watch();
    plugin.answer = undefined;
    await pass(healthIntervalMs);
    for (let misses = 1; misses <= healthMissesMax; misses += 1) {
      expect(hung).toEqual([]);
      await pass(healthTimeoutMs);
    }
    expect(hung).toMatchObject([{ code: "deadline", message: expect.stringContaining("6 s") }]);
    expect([health.open, clock.waiting]).toEqual([false, 0]);
  });

  it("forgives misses that answers come between", async () => {
    const { hung, pass, plugin } = watch();
    for (let count = 0; count < 3 * healthMissesMax; count += 1) {
      plugin.answer = undefined;
      await pass(healthIntervalMs);
      await pass((healthMissesMax - 1) * healthTimeoutMs);
      plugin.wake();
      await turns(1);
    }
    expect(hung).toEqual([]);
  });

  it("does not take a plugin for hung that is starved of processor time (S6)", async () => {
    const { health, hung, opens, pass, plugin } = watch();
    plugin.answer = undefined;
    await pass(healthIntervalMs);
    for (let count = 0; count < 10 * healthMissesMax; count += 1) {
      await pass(healthTimeoutMs, 0.005, 0.99);
    }
    expect([hung, opens, health.open]).toEqual([[], [], true]);
  });

  it("gives a plugin that works more time, and takes it for hung in the end (S6, U9)", async () => {
    const { health, hung, pass, plugin } = watch();
    plugin.answer = undefined;
    await pass(healthIntervalMs);
    let passedMs = 0;
    while (passedMs < healthBusyMsMax) {
      expect(hung).toEqual([]);
      await pass(healthTimeoutMs, 1);
      passedMs += healthTimeoutMs;
    }
    expect(health.open).toBe(false);
    await pass(healthTimeoutMs, 1);
    expect(hung).toMatchObject([{ code: "deadline" }]);
  });

  it("gives as much time to a plugin of which nobody knows what it does", async () => {
    const { hung, pass, plugin } = watch();
    plugin.time = undefined;
    plugin.answer = undefined;
    await pass(healthIntervalMs);
    await pass(healthBusyMsMax);
    expect(hung).toEqual([]);
    await pass(healthTimeoutMs);
    expect(hung).toHaveLength(1);
  });

  it("counts nothing where the host itself was late (S6)", async () => {
    const { clock, health, hung, opens, plugin } = watch();
    plugin.answer = undefined;
    clock.advance(healthIntervalMs);
    for (let count = 0; count < 10; count += 1) {
      clock.stall(10 * healthTimeoutMs);
    }
    await turns(1);
    expect([hung, opens, health.open]).toEqual([[], [], true]);
  });

  it("counts an error as a miss", async () => {
    const { health, hung, pass, plugin } = watch();
    plugin.answer = new Error("no such service");
    for (let misses = 1; misses <= healthMissesMax; misses += 1) {
      expect(hung).toEqual([]);
      await pass(healthIntervalMs);
      expect(health.open).toBe(false);
    }
    expect(hung).toHaveLength(1);
  });

  it("says that a plugin takes nothing new until it takes something again", async () => {
    const { health, hung, opens, pass, plugin } = watch();
    plugin.answer = false;
    await pass(healthIntervalMs);
    expect(health.open).toBe(false);
    plugin.answer = true;
    await pass(healthIntervalMs);
    expect([health.open, opens, hung]).toEqual([true, [false, true], []]);
  });

  it("says nothing once it was stopped", async () => {
    const { clock, health, hung, opens, pass, plugin } = watch();
    plugin.answer = undefined;
    await pass(healthIntervalMs);
    health.stop();
    plugin.wake(false);
    await pass(10 * healthBusyMsMax);
    expect([hung, opens, clock.waiting]).toEqual([[], [], 0]);
  });
});
