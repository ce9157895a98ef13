import { isValidSpanId, isValidTraceId, ROOT_CONTEXT } from "@opentelemetry/api";
import { SamplingDecision, TraceIdRatioBasedSampler } from "@opentelemetry/sdk-trace";
import { expect, it } from "vitest";
import { RootTraces } from "./root-traces.js";

const form = /^00-([\da-f]{32})-([\da-f]{16})-0([01])$/;

/** The ids and the flag of many traces. */
function drawn(share: number, fillRandom?: (bytes: Uint8Array) => unknown): readonly string[][] {
  const roots = new RootTraces(share, fillRandom);
  return Array.from({ length: 1_100 }, () => form.exec(roots.next())?.slice(1) ?? []);
}

it("begins traces with ids that are valid, and never the same", () => {
  const all = drawn(0.5);
  expect(all.every(([traceId = ""]) => isValidTraceId(traceId))).toBe(true);
  expect(all.every(([, spanId = ""]) => isValidSpanId(spanId))).toBe(true);
  expect(new Set(all.flatMap(([traceId, spanId]) => [traceId, spanId])).size).toBe(2_200);
});

it.each([0, 0.01, 0.3, 0.999, 1])("decides as the sampler of the SDK does: %d", (share) => {
  const sampler = new TraceIdRatioBasedSampler(share);
  for (const [traceId = "", , flag] of drawn(share)) {
    const { decision } = sampler.shouldSample(ROOT_CONTEXT, traceId);
    expect([traceId, flag]).toEqual([
      traceId,
      decision === SamplingDecision.RECORD_AND_SAMPLED ? "1" : "0",
    ]);
  }
});

it("draws no id of zeros alone", () => {
  const [first] = drawn(1, (bytes) => bytes.fill(0));
  expect(first).toEqual([`${"0".repeat(31)}1`, `${"0".repeat(15)}1`, "1"]);
});

it("writes all bytes of an id, in order", () => {
  const [first] = drawn(0, (bytes) => bytes.set(bytes.map((_, index) => index * 10)));
  expect(first).toEqual(["000a141e28323c46505a646e78828c96", "a0aab4bec8d2dce6", "0"]);
});
