import { describe, expect, it } from "vitest";
import { turns as eventLoopTurns } from "@servehttp/testkit";
import { StartTurns } from "./start-turns.js";

const never = new AbortController().signal;

describe("StartTurns (L9)", () => {
  it("gives so many turns at once, and the next ones in the order in which they were asked for", async () => {
    const turns = new StartTurns(2);
    const given: number[] = [];
    const release: (() => void)[] = [];
    for (let number = 0; number < 5; number += 1) {
      void turns.take(never).then((giveBack) => {
        given.push(number);
        release[number] = giveBack;
      });
    }
    await eventLoopTurns(1);
    expect(given).toEqual([0, 1]);
    release[1]?.();
    release[1]?.();
    await eventLoopTurns(1);
    expect(given).toEqual([0, 1, 2]);
    release[0]?.();
    release[2]?.();
    await eventLoopTurns(1);
    expect(given).toEqual([0, 1, 2, 3, 4]);
  });

  it("gives no turn to who does not want it any more", async () => {
    const turns = new StartTurns(1);
    const giveBack = await turns.take(never);
    const stopped = new AbortController();
    const reason = new Error("stopped");
    const waiting = turns.take(stopped.signal);
    const next = turns.take(never);
    stopped.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(turns.take(stopped.signal)).rejects.toBe(reason);
    giveBack();
    (await next)();
    const giveBackAgain = await turns.take(never);
    giveBackAgain();
  });
});
