/* oxlint-disable vitest/valid-title, vitest/no-conditional-tests, vitest/expect-expect --
   Tests are made of a list here; the checks in it throw by themselves. */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Behaviour,
  type CallerName,
  exceptionOf,
  keyOf,
  type Scene,
  type SceneExchange,
  type TargetName,
} from "./behaviour.js";
import type { Caller } from "./callers/caller.js";
import { Http1Caller } from "./callers/http1-caller.js";
import { Http2Caller } from "./callers/http2-caller.js";
import { RawConnection } from "./callers/raw-connection.js";
import { startTarget, type TargetNeeds } from "./targets/start-target.js";
import type { Target } from "./targets/target.js";
import { targetNames } from "./targets/target-names.js";

/** Makes a test of each behaviour on each target for each of its callers. */
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
      for (const behaviour of behaviours) {
        for (const callerName of behaviour.callers ?? (["http1", "http2"] as const)) {
          defineTest(behaviour, targetName, callerName, () => target);
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
  callerName: CallerName,
  target: () => Target,
): void {
  if (exceptionOf(behaviour.notOn, targetName, callerName) !== undefined) {
    return;
  }
  const title = `${behaviour.row} ${behaviour.name} (${callerName})`;
  const known = exceptionOf(behaviour.failsOn, targetName, callerName);
  const test = () => checkOnce(behaviour, target(), callerName);
  if (known === undefined) {
    it(title, test);
  } else {
    it.fails(`${title}, known to fail: ${known}`, test);
  }
}

async function checkOnce(
  behaviour: Behaviour,
  target: Target,
  callerName: CallerName,
): Promise<void> {
  using opened = new DisposableStack();
  const caller: Caller = opened.use(
    callerName === "http1" ? new Http1Caller(target.http1Port) : new Http2Caller(target.http2Port),
  );
  const scene: Scene = {
    target,
    callerName,
    caller,
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
