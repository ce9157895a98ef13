import type { ServeHTTPError } from "@servehttp/contract";
import { describe, expect, it } from "vitest";
import { turns } from "@servehttp/testkit";
import { type AskableConnection, HealthWatch } from "./health-watch.js";
import { healthIntervalMs, healthMissesMax, healthTimeoutMs } from "../limits.js";
import { ManualClock } from "../test-rig/manual-clock.js";

/** Answers by what the test says: undefined for not at all. */
class Connection implements AskableConnection {
  answer: boolean | undefined = true;
  asked = 0;

  isServing(signal: AbortSignal): Promise<boolean> {
    this.asked += 1;
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    if (this.answer !== undefined) {
      resolve(this.answer);
    }
    signal.addEventListener("abort", () => reject(new Error("aborted")));
    return promise;
  }
}

function watch(first: Connection | undefined) {
  const clock = new ManualClock();
  const hung: ServeHTTPError[] = [];
  const holder = { connection: first };
  const health = new HealthWatch({
    connection: () => holder.connection,
    onHung: (reason) => void hung.push(reason),
    clock,
  });
  health.start();
  /** Lets time pass for one question, and for its answer not to come. */
  const round = async (): Promise<void> => {
    clock.advance(healthIntervalMs);
    await turns(1);
    clock.advance(healthTimeoutMs);
    await turns(1);
  };
  return { clock, health, holder, hung, round };
}

describe("HealthWatch", () => {
  it("asks at its interval, one question at a time", async () => {
    const connection = new Connection();
    const { clock, health, hung } = watch(connection);
    for (let count = 1; count <= 5; count += 1) {
      clock.advance(healthIntervalMs);
      await turns(1);
      expect(connection.asked).toBe(count);
      expect(clock.waiting).toBe(1);
    }
    expect([health.serving, hung]).toEqual([true, []]);
    health.stop();
    expect(clock.waiting).toBe(0);
  });

  it("reports a plugin that leaves question after question without an answer", async () => {
    const connection = new Connection();
    connection.answer = undefined;
    const { hung, round } = watch(connection);
    for (let misses = 1; misses < healthMissesMax; misses += 1) {
      await round();
      expect(hung).toEqual([]);
    }
    await round();
    expect(hung).toMatchObject([{ code: "deadline" }]);
  });

  it("forgives misses that answers come between", async () => {
    const connection = new Connection();
    const { hung, round } = watch(connection);
    for (let count = 0; count < 3 * healthMissesMax; count += 1) {
      connection.answer = count % healthMissesMax === 0 ? true : undefined;
      await round();
    }
    expect(hung).toEqual([]);
  });

  it("says that a plugin takes nothing new until it takes something again", async () => {
    const connection = new Connection();
    const { health, hung, round } = watch(connection);
    connection.answer = false;
    await round();
    expect(health.serving).toBe(false);
    connection.answer = true;
    await round();
    expect(health.serving).toBe(true);
    expect(hung).toEqual([]);
  });

  it("begins anew with every connection, and asks nobody while there is none", async () => {
    const connection = new Connection();
    connection.answer = false;
    const { health, holder, hung, round } = watch(connection);
    await round();
    expect(health.serving).toBe(false);
    const other = new Connection();
    other.answer = undefined;
    holder.connection = other;
    expect(health.serving).toBe(true);
    for (let misses = 1; misses < healthMissesMax; misses += 1) {
      await round();
    }
    holder.connection = undefined;
    await round();
    holder.connection = connection;
    await round();
    expect([health.serving, hung]).toEqual([false, []]);
  });

  it("stops in the middle of a question", async () => {
    const connection = new Connection();
    connection.answer = undefined;
    const { clock, health, hung } = watch(connection);
    clock.advance(healthIntervalMs);
    await turns(1);
    expect(connection.asked).toBe(1);
    health.stop();
    await turns(1);
    expect([clock.waiting, hung]).toEqual([0, []]);
    health.start();
    clock.advance(healthIntervalMs);
    expect(connection.asked).toBe(2);
    health.stop();
  });
});
