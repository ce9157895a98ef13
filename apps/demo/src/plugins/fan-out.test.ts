import { describe, expect, test } from "vitest";
import { FanOut } from "./fan-out.js";

describe("FanOut", () => {
  test("gives every subscriber every value it has time for", async () => {
    const { fanOut, publish } = fanOutByHand();
    const stop = new AbortController();
    const [first, second] = [fanOut.subscribe(stop.signal), fanOut.subscribe(stop.signal)];
    const values = [first.next(), second.next()];
    publish(1);
    expect(await Promise.all(values)).toEqual([
      { done: false, value: 1 },
      { done: false, value: 1 },
    ]);
  });

  test("runs its source while somebody listens, and no longer", async () => {
    const { fanOut, publish, starts, stops } = fanOutByHand();
    expect(fanOut.running).toBe(false);
    const stop = new AbortController();
    const [first, second] = [
      fanOut.subscribe(stop.signal),
      fanOut.subscribe(new AbortController().signal),
    ];
    const values = [first.next(), second.next()];
    expect([fanOut.subscriberCount, fanOut.running, starts(), stops()]).toEqual([2, true, 1, 0]);
    publish(1);
    await Promise.all(values);
    await second.return();
    expect([fanOut.subscriberCount, fanOut.running]).toEqual([1, true]);
    const last = first.next();
    stop.abort();
    expect(await last).toEqual({ done: true, value: undefined });
    expect([fanOut.subscriberCount, fanOut.running, starts(), stops()]).toEqual([0, false, 1, 1]);
  });

  test("starts its source again for the next subscriber", async () => {
    const { fanOut, publish, starts, stops } = fanOutByHand();
    for (let round = 1; round <= 2; round++) {
      const stop = new AbortController();
      const values = fanOut.subscribe(stop.signal);
      const value = values.next();
      publish(round);
      expect(await value).toMatchObject({ value: round });
      await values.return();
      expect([starts(), stops()]).toEqual([round, round]);
    }
  });

  test("lets a slow subscriber miss values and see the latest", async () => {
    const { fanOut, publish } = fanOutByHand();
    const values = fanOut.subscribe(new AbortController().signal);
    const first = values.next();
    publish(1);
    await first;
    publish(2);
    publish(3);
    expect(await values.next()).toMatchObject({ value: 3 });
  });

  test("ends at once for a subscriber that has already left", async () => {
    const { fanOut } = fanOutByHand();
    expect(await fanOut.subscribe(AbortSignal.abort()).next()).toMatchObject({ done: true });
    expect([fanOut.subscriberCount, fanOut.running]).toEqual([0, false]);
  });
});

function fanOutByHand() {
  let publish: ((value: number) => void) | undefined;
  let starts = 0;
  let stops = 0;
  const fanOut = new FanOut<number>((given) => {
    publish = given;
    starts++;
    return { [Symbol.dispose]: () => void stops++ };
  });
  return {
    fanOut,
    publish: (value: number) => publish?.(value),
    starts: () => starts,
    stops: () => stops,
  };
}
