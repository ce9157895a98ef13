import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sized } from "@servehttp/testkit";
import { keyOf, type NamedHandler } from "../behaviour.js";
import {
  Http1Client,
  Http2Client,
  type HttpClient,
  type TestExchange,
} from "servehttp-conformance/testing";
import { cancelled, earlyAnswer, neighbour, neighbourBytes } from "../measured-handlers.js";
import { seededBytes, seededSha256, sha256 } from "../seeded-bytes.js";
import { startTarget } from "../targets/start-target.js";
import type { Target } from "../targets/target.js";
import { type TargetName, targetNames } from "../targets/target-names.js";
import { atRest, expectNoMoreThan } from "./held-resources.js";

/** How many exchanges are open at once: enough to overlap, few enough for the listen queue. */
const atOnce = 50;

/* oxlint-disable vitest/expect-expect -- what a process holds is compared in functions below */
/** Makes the tests that thousands of exchanges leave nothing behind on a target. */
export function runLeakTests(targetName: TargetName): void {
  // oxlint-disable-next-line vitest/valid-title -- a parameter
  describe.runIf(targetNames.includes(targetName))(targetName, () => {
    let target: Target;
    beforeAll(async () => {
      target = await startTarget(targetName);
    });
    afterAll(async () => {
      await target[Symbol.asyncDispose]();
    });

    const earlyAnswers = sized(1_000);
    it(`D2 ${earlyAnswers} early answers leave no stream, socket, listener or timer`, async () => {
      const load = async (rounds: number) => {
        await repeat(target, rounds / 2, (client) => answerEarly(client, target), "http1");
        await repeat(target, rounds / 2, (client) => answerEarly(client, target), "http2");
      };
      await load(100);
      const before = await atRest(target);
      await load(earlyAnswers);
      await expectNoMoreThan(target, before);
    });

    const cancelledExchanges = sized(5_000);
    it(`D6 ${cancelledExchanges} cancelled exchanges leave no stream, socket, listener or timer, and neighbours untouched`, async () => {
      const load = (rounds: number) =>
        repeat(target, rounds, (client) => cancel(client, target), "http1");
      await load(500);
      const before = await atRest(target);
      const hashes = await withNeighbours(target, () => load(cancelledExchanges));
      expect(hashes).toEqual(Array.from(hashes, () => seededSha256("neighbour", neighbourBytes)));
      await expectNoMoreThan(target, before);
    });
  });
}

/** Runs a load while ten exchanges are half done, lets them end, and returns their hashes. */
async function withNeighbours(
  target: Target,
  load: () => Promise<void>,
): Promise<readonly string[]> {
  using client = new Http1Client(target.http1Port);
  const neighbours = Array.from({ length: 10 }, () => startNeighbour(client, target));
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
  once: (client: HttpClient) => Promise<void>,
  clientName: "http1" | "http2",
): Promise<void> {
  using client =
    clientName === "http1" ? new Http1Client(target.http1Port) : new Http2Client(target.http2Port);
  for (let done = 0; done < rounds; done += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, () => once(client)));
  }
}

async function answerEarly(client: HttpClient, target: Target): Promise<void> {
  const open = client.open({ path: pathOf(earlyAnswer, target).path, body: "stream" });
  await open.write(seededBytes("early", 1_000));
  expect((await open.head).status).toBe(413);
  expect(Buffer.from(await open.rest()).toString()).toBe("too large");
  open.leave();
}

async function cancel(client: HttpClient, target: Target): Promise<void> {
  const open = client.open({ path: pathOf(cancelled, target).path });
  expect(Buffer.from((await open.read()) ?? []).toString()).toBe("first");
  open.leave();
}

function startNeighbour(client: HttpClient, target: Target): { key: string; open: TestExchange } {
  const { key, path } = pathOf(neighbour, target);
  return { key, open: client.open({ path }) };
}

function pathOf(handler: NamedHandler, target: Target): { key: string; path: string } {
  const key = randomUUID();
  return { key, path: `${target.base}/case/${keyOf(handler)}/${key}` };
}
