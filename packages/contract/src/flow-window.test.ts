import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReceiveWindow, SendWindow } from "./flow-window.js";
import { muxCreditBytesMax, muxWindowBytes } from "./limits.js";

describe("SendWindow", () => {
  test("starts with a whole window, and lets go what is open", () => {
    const window = new SendWindow();
    expect(window.openBytes).toBe(muxWindowBytes);
    window.take(muxWindowBytes - 1);
    expect(window.openBytes).toBe(1);
    window.take(1);
    expect(window.openBytes).toBe(0);
    window.grant(10);
    expect(window.openBytes).toBe(10);
  });

  test("refuses to let go more than is open", () => {
    const window = new SendWindow(10);
    expect(() => window.take(11)).toThrow("11 bytes taken from a window of 10");
    expect(window.openBytes).toBe(10);
  });

  test("refuses credit beyond the limit", () => {
    const window = new SendWindow(1);
    window.grant(muxCreditBytesMax - 1);
    expect(window.openBytes).toBe(muxCreditBytesMax);
    expect(() => window.grant(1)).toThrow("credit of 1 bytes makes 16777217: allowed are 16777216");
    expect(window.openBytes).toBe(muxCreditBytesMax);
  });
});

describe("ReceiveWindow", () => {
  test("gives credit back when half a window has come together", () => {
    const window = new ReceiveWindow(100);
    window.receive(100);
    expect(window.heldBytes).toBe(100);
    expect(window.consume(20)).toBe(0);
    expect(window.consume(29)).toBe(0);
    expect(window.consume(1)).toBe(50);
    expect(window.heldBytes).toBe(50);
    expect(window.consume(50)).toBe(50);
  });

  test("refuses bytes beyond the credit", () => {
    const window = new ReceiveWindow(100);
    window.receive(60);
    expect(() => window.receive(41)).toThrow("41 bytes of body on a credit of 40");
    window.receive(40);
    expect(() => window.receive(1)).toThrow("1 bytes of body on a credit of 0");
    window.consume(49);
    // Consumed, but not given back yet.
    expect(() => window.receive(1)).toThrow("1 bytes of body on a credit of 0");
    expect(window.consume(1)).toBe(50);
    window.receive(50);
  });

  test("is too narrow once much was taken and nothing is held, until it is widened", () => {
    const window = new ReceiveWindow(100, 100);
    window.receive(100);
    window.consume(50);
    expect(window.isTooNarrow).toBe(false);
    window.receive(50);
    window.consume(60);
    // Enough was taken, and something is held.
    expect([window.heldBytes, window.isTooNarrow]).toEqual([40, false]);
    window.consume(40);
    expect(window.isTooNarrow).toBe(true);
    expect(window.widen(30)).toBe(30);
    expect(window.isTooNarrow).toBe(false);
    // 40 of 130 were taken and are not given back yet: that is less than half.
    window.receive(90);
    expect(() => window.receive(1)).toThrow("1 bytes of body on a credit of 0");
    expect([window.consume(24), window.consume(1)]).toEqual([0, 65]);
    window.consume(65);
    expect(window.isTooNarrow).toBe(false);
  });

  test("refuses to consume what never came", () => {
    const window = new ReceiveWindow(100);
    window.receive(10);
    expect(() => window.consume(11)).toThrow("11 bytes consumed of 10 received");
    expect(window.consume(10)).toBe(0);
  });
});

test("two windows agree, and a sender whose bytes are consumed is never dry", () => {
  const step = fc.record({
    act: fc.constantFrom("send", "consume", "deliver"),
    bytes: fc.integer({ min: 1, max: 120 }),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.array(step), (windowBytes, steps) => {
      const sender = new SendWindow(windowBytes);
      const receiver = new ReceiveWindow(windowBytes);
      let creditUnderWay = 0;
      for (const { act, bytes } of steps) {
        if (act === "send") {
          const taken = Math.min(bytes, sender.openBytes);
          sender.take(taken);
          receiver.receive(taken);
        } else if (act === "consume") {
          creditUnderWay += receiver.consume(Math.min(bytes, receiver.heldBytes));
        } else {
          sender.grant(creditUnderWay);
          creditUnderWay = 0;
        }
        expect(receiver.heldBytes).toBeLessThanOrEqual(windowBytes);
      }
      creditUnderWay += receiver.consume(receiver.heldBytes);
      sender.grant(creditUnderWay);
      expect(2 * sender.openBytes).toBeGreaterThan(windowBytes);
      expect(sender.openBytes).toBeLessThanOrEqual(windowBytes);
    }),
  );
});
