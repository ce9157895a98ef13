import { expect, it } from "vitest";
import { traceParentOf } from "./trace-parent.js";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

it("reads a traceparent in any letter case of its name, with its flag", () => {
  for (const name of ["traceparent", "Traceparent", "TRACEPARENT"]) {
    const fields = ["accept", "*/*", name, `00-${traceId}-${spanId}-01`];
    expect(traceParentOf(fields)).toEqual({ traceId, spanId, sampled: true });
  }
  expect(traceParentOf(["traceparent", `00-${traceId}-${spanId}-02`])?.sampled).toBe(false);
});

it("reads what it knows of a later version", () => {
  const value = `cc-${traceId}-${spanId}-01-what-the-future-will-be-like`;
  expect(traceParentOf(["traceparent", value])).toEqual({ traceId, spanId, sampled: true });
});

it.each([
  ["", "nothing"],
  [`00-${traceId}-${spanId}`, "no flags"],
  [`00-${traceId}-${spanId}-01-more`, "more than its version has"],
  [`ff-${traceId}-${spanId}-01`, "the version that is none"],
  [`cc-${traceId}-${spanId}-01more`, "no dash behind the flags"],
  [`00-${"0".repeat(32)}-${spanId}-01`, "no trace"],
  [`00-${traceId}-${"0".repeat(16)}-01`, "no span"],
  [`00-${traceId.toUpperCase()}-${spanId}-01`, "digits in upper case"],
  [` 00-${traceId}-${spanId}-01`, "a space"],
])("makes nothing of %j: %s", (value) => {
  expect(traceParentOf(["traceparent", value])).toBeUndefined();
});

it("believes neither of two", () => {
  const field = ["traceparent", `00-${traceId}-${spanId}-01`];
  expect(traceParentOf([...field, ...field])).toBeUndefined();
  expect(traceParentOf([])).toBeUndefined();
});
