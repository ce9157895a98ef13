import {
  createTraceState,
  isSpanContextValid,
  isValidSpanId,
  ROOT_CONTEXT,
  SpanKind,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import { suppressTracing } from "@opentelemetry/core";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  InMemorySpanExporter,
  ParentBasedSampler,
  type Sampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
  SamplingDecision,
} from "@opentelemetry/sdk-trace";
import { describe, expect, it } from "vitest";
import { SampleFirst } from "./sample-first.js";
import { TraceIds } from "./trace-ids.js";

/** A tracer that samples first, one of the SDK alone, and what the first has recorded. */
function tracers(sampler: Sampler, rootShare = 1) {
  const exporter = new InMemorySpanExporter();
  const ids = new TraceIds();
  const spanProcessors = [new SimpleSpanProcessor({ exporter })];
  const provider = new TracerProvider({ sampler, spanProcessors, idGenerator: ids });
  const options = { sampler, rootShare, ids };
  const first = new SampleFirst(provider, options).getTracer("test", "1");
  const sdk: Tracer = new TracerProvider({ sampler }).getTracer("test", "1");
  return { first, sdk, recorded: () => exporter.getFinishedSpans() };
}

const half = new TraceIdRatioBasedSampler(0.5);
const samplers: readonly [string, Sampler][] = [
  ["always_on", new AlwaysOnSampler()],
  ["always_off", new AlwaysOffSampler()],
  ["traceidratio", half],
  ["parentbased_always_on", new ParentBasedSampler({ root: new AlwaysOnSampler() })],
  ["parentbased_traceidratio", new ParentBasedSampler({ root: half })],
];

const traceIds = ["0af7651916cd43dd8448eb211c80319c", "00000001000000000000000000000000"];
const remotes = traceIds.flatMap((traceId) =>
  [0, 1].flatMap((traceFlags) =>
    [true, false].map((isRemote) => ({
      traceId,
      spanId: "b7ad6b7169203331",
      traceFlags,
      isRemote,
      traceState: createTraceState("a=b"),
    })),
  ),
);

describe.each(samplers)("a tracer that samples first, by %s,", (_name, sampler) => {
  it("goes on with any parent as the SDK does", () => {
    const { first, sdk } = tracers(sampler);
    for (const remote of remotes) {
      const inside = trace.setSpanContext(ROOT_CONTEXT, remote);
      const [ours, theirs] = [first.startSpan("one", {}, inside), sdk.startSpan("one", {}, inside)];
      const { spanId, ...own } = ours.spanContext();
      const { spanId: _, ...expected } = theirs.spanContext();
      expect(own).toEqual(expected);
      expect(ours.isRecording()).toBe(theirs.isRecording());
      expect(own.traceId).toBe(remote.traceId);
      expect(isValidSpanId(spanId) && spanId !== remote.spanId).toBe(true);
    }
  });

  it("begins a trace where the parent is none", () => {
    const invalid = { traceId: "0".repeat(32), spanId: "0".repeat(16), traceFlags: 1 };
    const inside = trace.setSpanContext(ROOT_CONTEXT, invalid);
    const own = tracers(sampler).first.startSpan("one", {}, inside).spanContext();
    expect(isSpanContextValid(own)).toBe(true);
  });

  it("begins traces that the sampler wants, and no others", () => {
    const { first, recorded } = tracers(sampler);
    const started = Array.from({ length: 64 }, () => first.startSpan("one", {}, ROOT_CONTEXT));
    for (const span of started) {
      span.end();
      const { traceId, traceFlags } = span.spanContext();
      const { decision } = sampler.shouldSample(ROOT_CONTEXT, traceId, "", SpanKind.SERVER, {}, []);
      expect(traceFlags).toBe(decision === SamplingDecision.RECORD_AND_SAMPLED ? 1 : 0);
    }
    const wanted = started.filter((span) => span.isRecording() || span.spanContext().traceFlags);
    expect(recorded().map((span) => span.spanContext())).toEqual(
      wanted.map((span) => span.spanContext()),
    );
    expect(new Set(started.map((span) => span.spanContext().traceId)).size).toBe(64);
  });
});

it("records all that it is given", () => {
  const { first, recorded } = tracers(new AlwaysOnSampler());
  const [remote] = remotes;
  const links = remote === undefined ? [] : [{ context: remote }];
  const span = first.startSpan("one", { kind: SpanKind.SERVER, attributes: { a: 1 }, links });
  span.end();
  expect(recorded()).toMatchObject([
    {
      name: "one",
      kind: SpanKind.SERVER,
      attributes: { a: 1 },
      links,
      parentSpanContext: undefined,
      instrumentationScope: { name: "test", version: "1" },
    },
  ]);
});

it("begins a trace where it is told to, makes none where tracing is off, and makes spans active", () => {
  const { first, recorded } = tracers(new AlwaysOnSampler());
  const inside = trace.setSpanContext(ROOT_CONTEXT, {
    traceId: traceIds[0] ?? "",
    spanId: "b7ad6b7169203331",
    traceFlags: 1,
  });
  const root = first.startSpan("root", { root: true }, inside);
  expect(root.spanContext().traceId).not.toBe(traceIds[0]);
  const suppressed = first.startSpan("none", {}, suppressTracing(inside));
  expect(isSpanContextValid(suppressed.spanContext())).toBe(false);
  first.startActiveSpan("active", {}, inside, (span) => span.end());
  expect(recorded()).toMatchObject([
    { name: "active", parentSpanContext: { traceId: traceIds[0] } },
  ]);
});

it("begins traces for a host, and records the spans of those that are wanted", () => {
  const sampler = new ParentBasedSampler({ root: half });
  const { first, recorded } = tracers(sampler, 0.5);
  const all = Array.from({ length: 64 }, () => first.drawRoot());
  const wanted = all.filter((traceParent) => traceParent.endsWith("1"));
  const ids = wanted.map((traceParent) => traceParent.split("-")[1] ?? "");
  for (const traceId of ids) {
    first.startRoot(traceId, "one", { kind: SpanKind.SERVER }, ROOT_CONTEXT).end();
  }
  expect(recorded().map((span) => span.spanContext().traceId)).toEqual(ids);
  expect(recorded().every(({ kind }) => kind === SpanKind.SERVER)).toBe(true);
});
