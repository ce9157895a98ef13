import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keyOf, type NamedHandler, type TargetName } from "../behaviour.js";
import type { Caller, CallerExchange } from "../callers/caller.js";
import { Http1Caller } from "../callers/http1-caller.js";
import { Http2Caller } from "../callers/http2-caller.js";
import { cancelled, earlyAnswer, neighbour, neighbourBytes } from "../measured-handlers.js";
import { seededBytes, seededSha256, sha256 } from "../seeded-bytes.js";
import { startTarget } from "../targets/start-target.js";
import type { Target } from "../targets/target.js";
import { targetNames } from "../targets/target-names.js";
import { atRest, expectNoMoreThan } from "./held-resources.js";

/** What is open at once. Enough to overlap, few enough for the listen queue. */
const atOnce = 50;

/* oxlint-disable vitest/expect-expect -- what a process holds is compared in functions below */
/** Makes the tests of what thousands of exchanges leave behind on a target. */
export function runLeakTests(targetName: TargetName): void {
  // oxlint-disable-next-line vitest/valid-title -- a parameter
  describe.runIf(targetNames.includes(targetName))(targetName, () => {
    let target: Target;
    beforeEach(async () => {
      target = await startTarget(targetName);
    });
    afterEach(async () => {
      await target[Symbol.asyncDispose]();
    });

    it("D2 1,000 early answers leave no stream, socket, listener or timer", async () => {
      const load = async (rounds: number) => {
        await repeat(target, rounds / 2, (caller) => answerEarly(caller, target), "http1");
        await repeat(target, rounds / 2, (caller) => answerEarly(caller, target), "http2");
      };
      await load(100);
      const before = await atRest(target);
      await load(1_000);
      await expectNoMoreThan(target, before);
    });

    it("D6 5,000 cancelled exchanges leave no stream, socket, listener or timer, and neighbours untouched", async () => {
      const load = (rounds: number) =>
        repeat(target, rounds, (caller) => cancel(caller, target), "http1");
      await load(500);
      const before = await atRest(target);
      const hashes = await withNeighbours(target, () => load(5_000));
      expect(hashes).toEqual(Array.from(hashes, () => seededSha256("neighbour", neighbourBytes)));
      await expectNoMoreThan(target, before);
    });
  });
}

/** Runs a load while ten other exchanges are half through, lets them end, and returns what they received. */
async function withNeighbours(
  target: Target,
  load: () => Promise<void>,
): Promise<readonly string[]> {
  using caller = new Http1Caller(target.http1Port);
  const neighbours = Array.from({ length: 10 }, () => startNeighbour(caller, target));
  await Promise.all(neighbours.map((one) => one.open.head));
  await load();
  for (const one of neighbours) {
    target.observation.open(one.key, "go on");
  }
  return await Promise.all(neighbours.map(async (one) => sha256(await one.open.rest())));
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
