import type { RequestTrace } from "./request-observer.js";

/** Whether the first span of a trace is to be recorded, by the `traceparent` that `drawRoot` gives. */
export function isRecordedRoot(traceParent: string): boolean {
  return traceParent.charCodeAt(lastFlagAt) === one;
}

/** The ids in such a `traceparent`. */
export function rootTrace(traceParent: string): RequestTrace {
  return {
    traceId: traceParent.slice(3, 35),
    spanId: traceParent.slice(36, 52),
    sampled: isRecordedRoot(traceParent),
  };
}

const lastFlagAt = 54;
const one = 0x31;
