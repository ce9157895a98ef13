/* oxlint-disable vitest/valid-title, vitest/no-conditional-tests, vitest/expect-expect --
   Tests are made of a list here; the checks in it throw by themselves. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isFullSize } from "@servehttp/testkit";
import {
  type Behaviour,
  type TestClientName,
  exceptionOf,
  keyOf,
  type Scene,
  type SceneExchange,
} from "./behaviour.js";
import {
  Http1Client,
  Http2Client,
  RawConnection,
  type HttpClient,
} from "servehttp-conformance/testing";
import { startTarget, type TargetNeeds } from "./targets/start-target.js";
import type { Target } from "./targets/target.js";
import { type TargetName, targetNames } from "./targets/target-names.js";

/** Makes a test of each behaviour on each target for each of its clients. */
export function runBehaviours(behaviours: readonly Behaviour[], needs: TargetNeeds = {}): void {
  for (const targetName of targetNames) {
    describe(targetName, () => {
      let target: Target;
      beforeAll(async () => {
        target = await startTarget(targetName, needs);
      });
      afterAll(async () => {
        await target[Symbol.asyncDispose]();
      });
      for (const behaviour of behaviours.filter((one) => isFullSize || one.fullRunOnly !== true)) {
        for (const clientName of behaviour.clients ?? (["http1", "http2"] as const)) {
          defineTest(behaviour, targetName, clientName, () => target);
        }
      }
      it("leaves no rejection unhandled", async () => {
        const processes = [await target.front(), await target.plugin()];
        const reports = await Promise.all(processes.map((one) => one.report()));
        expect(reports.flatMap((report) => report.unhandled)).toEqual([]);
      });
    });
  }
}

function defineTest(
  behaviour: Behaviour,
  targetName: TargetName,
  clientName: TestClientName,
  target: () => Target,
): void {
  if (exceptionOf(behaviour.notOn, targetName, clientName) !== undefined) {
    return;
  }
  const title = `${behaviour.row} ${behaviour.name} (${clientName})`;
  const known = exceptionOf(behaviour.failsOn, targetName, clientName);
  const test = () => checkOnce(behaviour, target(), clientName);
  const options = { concurrent: behaviour.waits === true };
  if (known === undefined) {
    it(title, options, test);
  } else {
    it.fails(`${title}, known to fail: ${known}`, options, test);
  }
}

async function checkOnce(
  behaviour: Behaviour,
  target: Target,
  clientName: TestClientName,
): Promise<void> {
  using opened = new DisposableStack();
  const clientAt = (localAddress?: string): HttpClient =>
    opened.use(
      clientName === "http1"
        ? new Http1Client(target.http1Port, localAddress)
        : new Http2Client(target.http2Port, localAddress),
    );
  const scene: Scene = {
    target,
    clientName,
    client: clientAt(),
    clientAt,
    exchange: () => exchangeOf(behaviour, target),
    raw: async (port = target.http1Port) => opened.use(await RawConnection.open(port)),
  };
  await behaviour.check(scene);
}

function exchangeOf(behaviour: Behaviour, target: Target): SceneExchange {
  const key = randomUUID();
  return {
    key,
    path: `${target.base}/case/${keyOf(behaviour)}/${key}`,
    next: (name, index) => target.observation.next(key, name, index),
    seen: () => target.observation.seen(key).map((event) => event.name),
    open: (gate) => target.observation.open(key, gate),
  };
}
