import { isValidSpanId, isValidTraceId } from "@opentelemetry/api";
import { expect, it } from "vitest";
import { TraceIds } from "./trace-ids.js";

it("makes ids that are valid, and never the same", () => {
  const ids = new TraceIds();
  const traces = Array.from({ length: 500 }, () => ids.generateTraceId());
  const spans = Array.from({ length: 700 }, () => ids.generateSpanId());
  expect(traces.every(isValidTraceId)).toBe(true);
  expect(spans.every(isValidSpanId)).toBe(true);
  expect(new Set([...traces, ...spans]).size).toBe(1_200);
});

it("gives a trace the id that is settled, while that is so", () => {
  const ids = new TraceIds();
  const settled = "0af7651916cd43dd8448eb211c80319c";
  expect(ids.within(settled, () => [ids.generateTraceId(), ids.generateTraceId()])).toEqual([
    settled,
    settled,
  ]);
  expect(ids.generateTraceId()).not.toBe(settled);
  const fails = () =>
    ids.within(settled, () => {
      throw new Error("the span processor is at fault");
    });
  expect(fails).toThrow("the span processor");
  expect(ids.generateTraceId()).not.toBe(settled);
});
