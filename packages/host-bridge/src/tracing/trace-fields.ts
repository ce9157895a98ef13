import type { SpanContext, TraceState } from "@opentelemetry/api";
import { comparableName, type FieldList, traceParentOf } from "@servehttp/contract";

/** The span from which a request comes; undefined where its fields name none. */
export function remoteSpan(
  fields: FieldList,
  createTraceState: (text: string) => TraceState,
): SpanContext | undefined {
  const parent = traceParentOf(fields);
  if (parent === undefined) {
    return undefined;
  }
  const { traceId, spanId, sampled } = parent;
  const state = valuesOf(fields, "tracestate").join(",");
  return {
    traceId,
    spanId,
    traceFlags: sampled ? 1 : 0,
    isRemote: true,
    ...(state !== "" && { traceState: createTraceState(state) }),
  };
}

/**
 * The fields by which a plugin goes on from a span.
 *
 * @param baggage of the request, where it is believed
 */
export function traceFieldsOf(span: SpanContext, baggage: readonly string[]): FieldList {
  const { traceId, spanId, traceFlags, traceState } = span;
  const flags = traceFlags === 0 ? "00" : (traceFlags & 0xff).toString(16).padStart(2, "0");
  const fields = ["traceparent", `00-${traceId}-${spanId}-${flags}`];
  const state = traceState?.serialize() ?? "";
  if (state !== "") {
    fields.push("tracestate", state);
  }
  for (const value of baggage) {
    fields.push("baggage", value);
  }
  return fields;
}

/** @param key in lower case */
export function valuesOf(fields: FieldList, key: string): readonly string[] {
  return fields.filter((_, at) => at % 2 === 1 && comparableName(fields[at - 1] as string) === key);
}
