import type { FieldList } from "./parts.js";

/** What the field `traceparent` says (W3C Trace Context, section 3.2). */
export interface TraceParent {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** Of the span from which the request comes: 16 hexadecimal digits, not all zero. */
  readonly spanId: string;
  /** Whether the caller may have recorded its part of the trace. */
  readonly sampled: boolean;
}

/**
 * Reads `traceparent` from a header section. Undefined where there is none, or one that says
 * nothing: malformed, of the version "ff", or twice.
 */
export function traceParentOf(fields: FieldList): TraceParent | undefined {
  let found: string | undefined;
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] as string;
    if (name.length === fieldName.length && name.toLowerCase() === fieldName) {
      if (found !== undefined) {
        return undefined;
      }
      found = fields[at + 1] as string;
    }
  }
  const [, version, traceId, spanId, flags, rest] = form.exec(found ?? "") ?? [];
  if (
    version === undefined ||
    version === "ff" ||
    traceId === undefined ||
    spanId === undefined ||
    flags === undefined ||
    // Later versions may have more behind the flags.
    (version === "00" && rest !== "") ||
    allZero.test(traceId) ||
    allZero.test(spanId)
  ) {
    return undefined;
  }
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

const fieldName = "traceparent";
const form = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(|-.*)$/;
const allZero = /^0+$/;
