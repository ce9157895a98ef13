import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ExchangeTimer, type ExchangeTimes } from "./exchange-timer.js";
import { headExtensionMsMax } from "../limits.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const times: ExchangeTimes = { headMs: 1_000, idleMs: 500, totalMs: 10_000 };

function timed(some: Partial<ExchangeTimes> = {}): { timer: ExchangeTimer; expired: string[] } {
  const expired: string[] = [];
  const timer = new ExchangeTimer(
    { ...times, ...some },
    { timeExpired: (message) => void expired.push(message) },
  );
  return { timer, expired };
}

/** Lets so much time pass, and says whether it ran out just then and not a moment before. */
function expiresAfter(ms: number, expired: readonly string[]): boolean {
  vi.advanceTimersByTime(ms - 2);
  const early = expired.length;
  vi.advanceTimersByTime(3);
  return early === 0 && expired.length === 1;
}

describe("ExchangeTimer", () => {
  it("waits so long for the head", () => {
    const { expired } = timed();
    expect(expiresAfter(1_000, expired)).toBe(true);
    expect(expired).toEqual(["no response head within 1000 ms"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("counts the head from what moved last of the request", () => {
    const { timer, expired } = timed();
    for (let round = 0; round < 3; round += 1) {
      vi.advanceTimersByTime(900);
      timer.requestMoved();
    }
    expect(expiresAfter(1_000, expired)).toBe(true);
  });

  it("gives the head no more time for what the plugin sends before it", () => {
    const { timer, expired } = timed();
    vi.advanceTimersByTime(900);
    timer.responseMoved();
    expect(expiresAfter(100, expired)).toBe(true);
  });

  it("gives the head the time that the plugin asks for, up to the cap", () => {
    const { timer, expired } = timed({ totalMs: 0 });
    timer.extendHead(5_000);
    vi.advanceTimersByTime(4_990);
    expect(expired).toEqual([]);
    timer.extendHead(1);
    expect(expiresAfter(10, expired)).toBe(true);

    const greedy = timed({ totalMs: 0 });
    for (let asked = 0; asked < headExtensionMsMax; asked += 60_000) {
      greedy.timer.extendHead(headExtensionMsMax);
      vi.advanceTimersByTime(60_000 - 1);
    }
    greedy.timer.extendHead(headExtensionMsMax);
    expect(expiresAfter(headExtensionMsMax / 60_000, greedy.expired)).toBe(true);
  });

  it("sees silence once the head is there, though the head had more time than that", () => {
    const { timer, expired } = timed({ headMs: 60_000 });
    vi.advanceTimersByTime(100);
    timer.headArrived();
    expect(expiresAfter(500, expired)).toBe(true);
    expect(expired).toEqual(["nothing moved for 500 ms"]);
  });

  it("outlives head and idle while anything moves, and ends with the total", () => {
    const { timer, expired } = timed();
    timer.headArrived();
    for (let ms = 0; ms < 9_900; ms += 300) {
      vi.advanceTimersByTime(300);
      timer.responseMoved();
    }
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(200);
    expect(expired).toEqual(["the exchange took more than its 10000 ms"]);
  });

  it("takes no limit for no limit", () => {
    const { timer, expired } = timed({ headMs: 0, idleMs: 0, totalMs: 0 });
    expect(vi.getTimerCount()).toBe(0);
    timer.extendHead(1);
    timer.headArrived();
    timer.responseMoved();
    expect([vi.getTimerCount(), expired]).toEqual([0, []]);
  });

  it.each([{}, { headMs: 0 }, { idleMs: 0, totalMs: 0 }])(
    "leaves no timer behind but the one that exchanges share (%o)",
    (some) => {
      const { timer, expired } = timed(some);
      timer.headArrived();
      timer.stop();
      expect(vi.getTimerCount()).toBe("headMs" in some ? 0 : 1);
      vi.advanceTimersByTime(100_000);
      expect(vi.getTimerCount()).toBe(0);
      expect(expired).toEqual([]);
    },
  );
});
