import { randomRuns } from "@servehttp/testkit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { outlierDefaults as defaults } from "../test-rig/simulated-fleet.js";
import { OutlierDetection, probeIntervalMs } from "./outlier-detection.js";
import { type EjectionReason, type InstanceFailure, OutlierRecord } from "./outlier-record.js";
import type { OutlierSettings } from "./outlier-settings.js";

/** Records of so many instances. */
function rig(count: number, settings: Partial<OutlierSettings> = {}, chance = 0.5) {
  const detection = new OutlierDetection({ ...defaults, ...settings }, () => chance, 0);
  const records = Array.from({ length: count }, () => new OutlierRecord());
  records.forEach((record) => detection.add(record));
  const [first, second] = records as [OutlierRecord, OutlierRecord];
  const fail = (record: OutlierRecord, times: number, failure: InstanceFailure = "5xx", atMs = 0) =>
    Array.from({ length: times }, () => detection.failed(record, failure, atMs)).filter(Boolean);
  return { detection, records, first, second, fail };
}

describe("OutlierDetection", () => {
  it("ejects an instance at the fifth failure in a row", () => {
    const { detection, first, fail } = rig(6);
    expect(fail(first, 4)).toEqual([]);
    expect(first.standing).toEqual({ name: "in" });
    expect(fail(first, 1)).toEqual(["consecutive-5xx"]);
    expect(first.standing).toEqual({ name: "ejected", untilMs: 30_000 });
    expect([...detection.counts]).toEqual([["consecutive-5xx", 1]]);
  });

  it("begins to count anew behind a success", () => {
    const { detection, first, fail } = rig(6);
    fail(first, 4);
    detection.succeeded(first);
    expect(fail(first, 4)).toEqual([]);
  });

  it("counts broken connections and missing answers like 5xx", () => {
    const { first, fail } = rig(6);
    fail(first, 2, "5xx");
    fail(first, 2, "local-origin");
    expect(fail(first, 1, "gateway")).toEqual(["consecutive-5xx"]);
  });

  it("counts those apart where it is told to", () => {
    const { first, second, fail } = rig(6, { splitExternalLocalOriginErrors: true });
    fail(first, 4, "5xx");
    expect(fail(first, 4, "local-origin")).toEqual([]);
    expect(fail(second, 5, "local-origin")).toEqual(["consecutive-local-origin-failure"]);
  });

  it("tells failures of gateways from other 5xx where it is told to", () => {
    const settings = { consecutiveGatewayFailure: 3, enforcingConsecutiveGatewayFailure: 100 };
    const { first, second, fail } = rig(20, settings);
    fail(first, 2, "gateway");
    fail(first, 1, "5xx");
    expect(fail(first, 1, "gateway")).toEqual([]);
    expect(fail(second, 3, "gateway")).toEqual(["consecutive-gateway-failure"]);
  });

  it("lets chance decide where it enforces only some", () => {
    const settings = { enforcingConsecutive5xx: 40 };
    const above = rig(6, settings, 0.4);
    expect(above.fail(above.first, 5)).toEqual([]);
    const below = rig(6, settings, 0.39);
    expect(below.fail(below.first, 5)).toEqual(["consecutive-5xx"]);
  });

  it("never ejects the only instance", () => {
    const { first, fail } = rig(1, { maxEjectionPercent: 100 });
    expect(fail(first, 20)).toEqual([]);
  });

  it("ejects one of a few, and no second one beyond the share that may be out", () => {
    const { first, second, fail } = rig(6);
    expect(fail(first, 5)).toHaveLength(1);
    expect(fail(second, 20)).toEqual([]);
    const strict = rig(6, { alwaysEjectOneHost: false });
    expect(strict.fail(strict.first, 20)).toEqual([]);
    const half = rig(6, { maxEjectionPercent: 50 });
    const out = half.records.filter((record) => half.fail(record, 5).length > 0);
    expect(out).toHaveLength(3);
  });

  it("lets it back after one good exchange when its time is over", () => {
    const { detection, first, fail } = rig(6);
    fail(first, 5);
    expect(detection.dueMs).toBe(10_000);
    expect(detection.tick(29_999)).toBe(false);
    expect(first.standing.name).toBe("ejected");
    expect(detection.tick(30_000)).toBe(true);
    expect(first.standing).toEqual({ name: "probing", nextMs: 30_000 });
    detection.probe(first, 30_000);
    expect(first.standing).toEqual({ name: "probing", nextMs: 30_000 + probeIntervalMs });
    expect(detection.succeeded(first)).toBe(true);
    expect(first.standing).toEqual({ name: "in" });
  });

  it("ejects it for longer each time that it fails the probe, up to the most", () => {
    const { detection, first, fail } = rig(6, { maxEjectionTimeMs: 70_000 });
    fail(first, 5);
    let nowMs = 0;
    const times: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const { untilMs } = first.standing as { untilMs: number };
      times.push(untilMs - nowMs);
      nowMs = untilMs;
      detection.tick(nowMs);
      expect(fail(first, 1, "5xx", nowMs)).toEqual(["probe-failed"]);
    }
    expect(times).toEqual([30_000, 60_000, 70_000, 70_000]);
  });

  it("forgets with each interval that it is in how often it was out", () => {
    const { detection, first, fail } = rig(6);
    fail(first, 5);
    detection.tick(30_000);
    detection.succeeded(first);
    detection.tick(40_000);
    detection.tick(50_000);
    fail(first, 5, "5xx", 50_000);
    expect(first.standing).toEqual({ name: "ejected", untilMs: 80_000 });
  });

  it("hears of exchanges that ran before an ejection without a change", () => {
    const { detection, first, fail } = rig(6);
    fail(first, 5);
    expect(fail(first, 20)).toEqual([]);
    expect(detection.succeeded(first)).toBe(false);
    expect(first.standing).toEqual({ name: "ejected", untilMs: 30_000 });
  });

  it("ejects whoever succeeds far less often than the others in an interval", () => {
    const { detection, records, first } = rig(6);
    for (const record of records) {
      for (let at = 0; at < 100; at += 1) {
        if (at % 2 === 0 && record === first) {
          detection.failed(record, "5xx", 0);
        } else {
          detection.succeeded(record);
        }
      }
    }
    expect(detection.tick(9_999)).toBe(false);
    expect(detection.tick(10_000)).toBe(true);
    expect(records.map(({ standing }) => standing.name)).toEqual([
      "ejected",
      ...Array.from({ length: 5 }, () => "in"),
    ]);
    expect([...detection.counts]).toEqual([["success-rate", 1]]);
  });

  it.each([
    { why: "too few of them have enough exchanges", count: 4, exchanges: 100 },
    { why: "they have too few exchanges", count: 6, exchanges: 99 },
  ])("compares no rates where $why", ({ count, exchanges }) => {
    const { detection, records, first } = rig(count);
    for (const record of records) {
      for (let at = 0; at < exchanges; at += 1) {
        if (at % 2 === 0 && record === first) {
          detection.failed(record, "5xx", 0);
        } else {
          detection.succeeded(record);
        }
      }
    }
    expect(detection.tick(10_000)).toBe(false);
  });

  it("keeps its promises whatever happens", () => {
    const event = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant("fail" as const), at: fc.nat(9) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant("succeed" as const), at: fc.nat(9) }) },
      {
        weight: 1,
        arbitrary: fc.record({ kind: fc.constant("pass" as const), at: fc.nat(60_000) }),
      },
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 10 }),
        fc.integer({ min: 0, max: 100 }),
        fc.array(event, { maxLength: 150, size: "max" }),
        (count, maxEjectionPercent, events) => {
          const { detection, records } = rig(count, { maxEjectionPercent });
          const inARow = new Map(records.map((record) => [record, 0]));
          let nowMs = 0;
          for (const { at, kind } of events) {
            const record = records[at % count] as OutlierRecord;
            const before = record.standing.name;
            let reason: EjectionReason | undefined;
            if (kind === "pass") {
              nowMs += at;
              detection.tick(nowMs);
            } else if (kind === "succeed") {
              detection.succeeded(record);
              inARow.set(record, 0);
            } else {
              reason = detection.failed(record, "5xx", nowMs);
              inARow.set(record, (inARow.get(record) ?? 0) + 1);
            }
            expect(reason === "probe-failed").toBe(kind === "fail" && before === "probing");
            expect(reason === "consecutive-5xx" && (inARow.get(record) ?? 0) < 5).toBe(false);
            expect(record.standing.name === "in").toBe(
              kind === "succeed" ? before !== "ejected" : before === "in" && reason === undefined,
            );
            const out = records.filter(({ standing }) => standing.name !== "in").length;
            expect(out).toBeLessThanOrEqual(
              Math.max(1, Math.floor((count * maxEjectionPercent) / 100)),
            );
            const untilMs = records.flatMap(({ standing }) =>
              standing.name === "ejected" ? [standing.untilMs] : [],
            );
            expect(Math.max(0, ...untilMs) - nowMs).toBeLessThanOrEqual(300_000);
            expect(Math.min(Infinity, ...untilMs)).toBeGreaterThanOrEqual(detection.dueMs);
          }
        },
      ),
      randomRuns(300),
    );
  });
});
