import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keyOf, type NamedHandler } from "./behaviour.js";
import type { Caller, CallerExchange } from "./callers/caller.js";
import { Http1Caller } from "./callers/http1-caller.js";
import { Http2Caller } from "./callers/http2-caller.js";
import { cancelled, earlyAnswer, neighbour, neighbourBytes } from "./measured-handlers.js";
import type { ProcessReport } from "./observation/process-report.js";
import { seededBytes, seededSha256, sha256 } from "./seeded-bytes.js";
import { until } from "./settled.js";
import { startTarget } from "./targets/start-target.js";
import type { Target } from "./targets/target.js";
import { targetNames } from "./targets/target-names.js";

/** What is open at once. Enough to overlap, few enough for the listen queue. */
const atOnce = 50;

/** By how much a heap may grow over thousands of exchanges: what a handful of them would hold. */
const heapBytesMax = 3 * 1_048_576;

for (const targetName of targetNames) {
  describe(`${targetName}: what is left behind`, () => {
    let target: Target;
    beforeEach(async () => {
      target = await startTarget(targetName);
    });
    afterEach(async () => {
      await target[Symbol.asyncDispose]();
    });

    it("D2 1,000 early answers leave no stream, socket, listener or timer", async () => {
      await leavesNothing(
        target,
        async (rounds) => {
          await repeat(target, rounds / 2, (caller) => answerEarly(caller, target), "http1");
          await repeat(target, rounds / 2, (caller) => answerEarly(caller, target), "http2");
        },
        1_000,
      );
    });

    it("D6 5,000 cancelled exchanges leave nothing, and other exchanges untouched", async () => {
      using other = new Http1Caller(target.http1Port);
      const neighbours = Array.from({ length: 10 }, () => startNeighbour(other, target));
      for (const one of neighbours) {
        expect((await one.open.head).status).toBe(200);
      }
      const sessions = await target.plugin();
      await repeat(target, 5_000, (caller) => cancel(caller, target), "http1");
      for (const one of neighbours) {
        target.observation.open(one.key, "go on");
      }
      const hashes = await Promise.all(
        neighbours.map(async (one) => sha256(await one.open.rest())),
      );
      expect(new Set(hashes)).toEqual(new Set([seededSha256("neighbour", neighbourBytes)]));
      expect((await target.plugin()).pid).toBe(sessions.pid);
    });

    it("D6 5,000 cancelled exchanges leave no stream, socket, listener or timer", async () => {
      await leavesNothing(
        target,
        (rounds) => repeat(target, rounds, (caller) => cancel(caller, target), "http1"),
        5_000,
      );
    });
  });
}

/** Runs a load once to warm up, then in full, and compares what both processes hold before and after. */
async function leavesNothing(
  target: Target,
  load: (rounds: number) => Promise<void>,
  rounds: number,
): Promise<void> {
  await load(rounds / 10);
  const before = await atRest(target);
  await load(rounds);
  await until(async () => {
    const after = await reports(target);
    return after.every((report, at) => holdsNoMoreThan(report, before[at]));
  });
  const after = await atRest(target);
  for (const [at, report] of after.entries()) {
    const earlier = before[at];
    expect(report.running).toBe(0);
    expect(report.unhandled).toEqual([]);
    expect(report.http2Streams).toBe(earlier?.http2Streams);
    expect(report.processListeners).toBe(earlier?.processListeners);
    expect(report.heapBytes - (earlier?.heapBytes ?? 0)).toBeLessThan(heapBytesMax);
  }
}

/** Reports once no handler runs. */
async function atRest(target: Target): Promise<readonly ProcessReport[]> {
  await until(async () => (await reports(target)).every((report) => report.running === 0));
  return reports(target);
}

async function reports(target: Target): Promise<readonly ProcessReport[]> {
  const processes = await Promise.all([target.front(), target.plugin()]);
  return Promise.all(processes.map((one) => one.report()));
}

function holdsNoMoreThan(after: ProcessReport, before: ProcessReport | undefined): boolean {
  if (before === undefined) {
    return false;
  }
  const kinds = Object.keys(after.resources);
  return (
    after.http2Streams <= before.http2Streams &&
    kinds.every((kind) => (after.resources[kind] ?? 0) <= (before.resources[kind] ?? 0))
  );
}

async function repeat(
  target: Target,
  rounds: number,
  once: (caller: Caller) => Promise<void>,
  callerName: "http1" | "http2",
): Promise<void> {
  using caller =
    callerName === "http1" ? new Http1Caller(target.http1Port) : new Http2Caller(target.http2Port);
  for (let done = 0; done < rounds; done += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, () => once(caller)));
  }
}

async function answerEarly(caller: Caller, target: Target): Promise<void> {
  const open = caller.open({ path: pathOf(earlyAnswer, target).path, body: "stream" });
  await open.write(seededBytes("early", 1_000));
  expect((await open.head).status).toBe(413);
  expect(Buffer.from(await open.rest()).toString()).toBe("too large");
  open.leave();
}

async function cancel(caller: Caller, target: Target): Promise<void> {
  const open = caller.open({ path: pathOf(cancelled, target).path });
  expect(Buffer.from((await open.read()) ?? []).toString()).toBe("first");
  open.leave();
}

function startNeighbour(caller: Caller, target: Target): { key: string; open: CallerExchange } {
  const { key, path } = pathOf(neighbour, target);
  return { key, open: caller.open({ path }) };
}

function pathOf(handler: NamedHandler, target: Target): { key: string; path: string } {
  const key = randomUUID();
  return { key, path: `${target.base}/case/${keyOf(handler)}/${key}` };
}
