import {
  type Attributes,
  context,
  type Context,
  isSpanContextValid,
  type Link,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  trace,
  TraceFlags,
  type Tracer,
  type TracerOptions,
  type TracerProvider,
} from "@opentelemetry/api";
import { isTracingSuppressed } from "@opentelemetry/core";
import { type Sampler, SamplingDecision } from "@opentelemetry/sdk-trace";
import { RootTraces } from "./root-traces.js";
import type { TraceIds } from "./trace-ids.js";

/** What decides which spans are recorded, and how they are called. */
export interface SampleFirstOptions {
  /**
   * That of the provider. It decides by the ids and the parent alone: it gets no attributes, and may
   * be asked twice for one span.
   */
  readonly sampler: Sampler;
  /** Those of the provider. */
  readonly ids: TraceIds;
  /** The share of traces that begin here which the sampler wants, from 0 to 1. */
  readonly rootShare: number;
}

/**
 * A TracerProvider of the SDK's that asks the sampler before anything is made. The SDK copies and
 * checks all attributes first, which takes longer than all else that a host does for a request that
 * is not sampled.
 */
export class SampleFirst implements TracerProvider {
  readonly #provider: TracerProvider;
  readonly #options: SampleFirstOptions;

  constructor(provider: TracerProvider, options: SampleFirstOptions) {
    this.#provider = provider;
    this.#options = options;
  }

  getTracer(name: string, version?: string, options?: TracerOptions): SampleFirstTracer {
    return new SampleFirstTracer(this.#provider.getTracer(name, version, options), this.#options);
  }
}

const noAttributes: Attributes = {};
const noLinks: Link[] = [];

export class SampleFirstTracer implements Tracer {
  readonly #tracer: Tracer;
  readonly #sampler: Sampler;
  readonly #ids: TraceIds;
  readonly #roots: RootTraces;
  readonly startActiveSpan: Tracer["startActiveSpan"];

  constructor(tracer: Tracer, { ids, rootShare, sampler }: SampleFirstOptions) {
    this.#roots = new RootTraces(rootShare);
    this.#tracer = tracer;
    this.#sampler = sampler;
    this.#ids = ids;
    this.startActiveSpan = tracer.startActiveSpan.bind(tracer);
  }

  /** For hosts, by `RootTracer` of `@servehttp/host-bridge`: begins a trace. */
  drawRoot(): string {
    return this.#roots.next();
  }

  /** The first span of a trace that `drawRoot` has begun. */
  startRoot(traceId: string, name: string, options: SpanOptions, inside: Context): Span {
    return this.#ids.within(traceId, () => this.#tracer.startSpan(name, options, inside));
  }

  startSpan(name: string, options: SpanOptions = {}, inside: Context = context.active()): Span {
    if (options.root === true || isTracingSuppressed(inside)) {
      return this.#tracer.startSpan(name, options, inside);
    }
    const given = trace.getSpanContext(inside);
    const parent = given !== undefined && isSpanContextValid(given) ? given : undefined;
    const traceId = parent?.traceId ?? this.#ids.generateTraceId();
    const kind = options.kind ?? SpanKind.INTERNAL;
    const sampled = this.#sampler.shouldSample(inside, traceId, name, kind, noAttributes, noLinks);
    if (sampled.decision !== SamplingDecision.NOT_RECORD) {
      return this.#ids.within(traceId, () => this.#tracer.startSpan(name, options, inside));
    }
    const spanId = this.#ids.generateSpanId();
    const ids: SpanContext = { traceId, spanId, traceFlags: TraceFlags.NONE };
    const traceState = sampled.traceState ?? parent?.traceState;
    return trace.wrapSpanContext(traceState === undefined ? ids : { ...ids, traceState });
  }
}
