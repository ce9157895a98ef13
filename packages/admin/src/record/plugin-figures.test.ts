import type { PluginStatus } from "@servehttp/host-bridge";
import { describe, expect, it } from "vitest";
import { HeadPercentiles } from "./head-percentiles.js";
import { RequestRates } from "./request-rates.js";

const status = (id: string, more: Partial<PluginStatus>) => ({ id, ...more }) as PluginStatus;

describe("RequestRates", () => {
  it("counts what ended between two looks", () => {
    const rates = new RequestRates();
    const look = (ok: number, atMs: number) => rates.look(status("a", { outcomes: { ok } }), atMs);
    expect([look(10, 0), look(30, 2_000), look(30, 3_000), look(5, 4_000)]).toEqual([
      undefined,
      10,
      0,
      0,
    ]);
  });
});

describe("HeadPercentiles", () => {
  it("tells of the requests since the oldest look that is kept", () => {
    const percentiles = new HeadPercentiles();
    const look = (...counts: number[]) =>
      percentiles.look(status("a", { headTimes: { boundsMs: [1, 10, 100], counts } }));
    expect(look(5, 5, 5, 5)).toBeUndefined();
    expect(look(5, 5, 5, 5)).toBeUndefined();
    expect(look(104, 6, 5, 5)).toEqual({ p50Ms: 1, p99Ms: 1 });
    expect(look(104, 6, 5, 105)).toEqual({ p50Ms: 10, p99Ms: Number.POSITIVE_INFINITY });
    const later = Array.from({ length: 10 }, () => look(104, 6, 5, 105));
    expect(later.at(-1)).toBeUndefined();
    // It was removed and added again.
    expect(look(0, 1, 0, 0)).toBeUndefined();
  });
});
