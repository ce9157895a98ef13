import type { Context, Span, SpanOptions, Tracer } from "@opentelemetry/api";

/**
 * A tracer that says of a trace that begins whether it is recorded, before anything else is made of
 * it. That of `createTraces` of `@servehttp/admin/traces` is one.
 */
export interface RootTracer extends Tracer {
  /**
   * Begins a trace. Returns the `traceparent` (W3C Trace Context, version 00) of its first span, whose
   * last digit is 1 where that is to be recorded. Hot: the small GET of `apps/bench`.
   */
  drawRoot(): string;
  /** Makes the first span of a trace that was begun and is to be recorded. */
  startRoot(traceId: string, name: string, options: SpanOptions, inside: Context): Span;
}

/** That tracer as one that draws roots; undefined where it is another. */
export function rootTracerOf(tracer: Tracer): RootTracer | undefined {
  const { drawRoot, startRoot } = tracer as Partial<RootTracer>;
  return typeof drawRoot === "function" && typeof startRoot === "function"
    ? (tracer as RootTracer)
    : undefined;
}
