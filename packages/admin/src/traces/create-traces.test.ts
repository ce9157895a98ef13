import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { trace } from "@opentelemetry/api";
import type { Logger } from "@servehttp/host-bridge";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { tellFailures } from "../otlp/tell-failures.js";
import { createTraces, type TracesOptions } from "./create-traces.js";

let opened: AsyncDisposableStack;
beforeEach(() => {
  opened = new AsyncDisposableStack();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await opened.disposeAsync();
});

/** A collector that answers so, and what it was sent. */
async function collector(status: number): Promise<{ endpoint: string; bodies: Buffer[] }> {
  const bodies: Buffer[] = [];
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      bodies.push(Buffer.concat(chunks));
      response.writeHead(status).end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  opened.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies };
}

/** Traces whose exporter finds the same variables in the process. */
async function tracesFor(environment: Record<string, string>, logger?: Pick<Logger, "warn">) {
  for (const [name, value] of Object.entries(environment)) {
    vi.stubEnv(name, value);
  }
  const options: TracesOptions = { environment, ...(logger !== undefined && { logger }) };
  const traces = await createTraces(options);
  if (traces !== undefined) {
    opened.use(traces);
  }
  return traces;
}

it.each([
  [{}],
  [{ OTEL_TRACES_EXPORTER: "none", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" }],
  [{ OTEL_SDK_DISABLED: "true", OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" }],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "", OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://127.0.0.1:1" }],
])("exports nothing that no variable asks for: %j", async (environment) => {
  expect(await tracesFor(environment)).toBeUndefined();
});

it("sends spans to the collector, with what the variables say of the service", async () => {
  const { endpoint, bodies } = await collector(200);
  const traces = await tracesFor({
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_SERVICE_NAME: "shop",
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
  });
  traces?.tracerProvider.getTracer("test").startSpan("one span").end();
  await traces?.close();
  expect(bodies).toHaveLength(1);
  for (const text of ["one span", "shop", "deployment.environment.name"]) {
    expect(bodies[0]?.includes(text)).toBe(true);
  }
});

it.each([
  ["always_off", undefined, false],
  ["traceidratio", "0", false],
  ["parentbased_traceidratio", "1", true],
  ["parentbased_traceidratio", undefined, true],
  ["parentbased_always_off", undefined, false],
  ["", undefined, true],
])("samples as the variables say: %j %j", async (sampler, share, isRecorded) => {
  const { endpoint } = await collector(200);
  const traces = await tracesFor({
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/v1/traces`,
    OTEL_TRACES_SAMPLER: sampler,
    ...(share !== undefined && { OTEL_TRACES_SAMPLER_ARG: share }),
  });
  const span = traces?.tracerProvider.getTracer("test").startSpan("one span");
  expect(span?.isRecording()).toBe(isRecorded);
  expect(
    trace.isSpanContextValid(span?.spanContext() ?? { traceId: "", spanId: "", traceFlags: 0 }),
  ).toBe(true);
});

it.each([
  ["OTEL_TRACES_SAMPLER", "sometimes", 'allowed is "always_on", "always_off"'],
  ["OTEL_TRACES_SAMPLER_ARG", "2", "a share of all traces, from 0 to 1"],
  ["OTEL_BSP_MAX_QUEUE_SIZE", "0", "a whole number of spans, 1 or more"],
  ["OTEL_BSP_SCHEDULE_DELAY", "soon", "a whole number of milliseconds, 1 or more"],
  ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", 'allowed is "http/protobuf"'],
])("refuses %s=%s", async (name, value, allowed) => {
  const sampler = { OTEL_TRACES_SAMPLER: "traceidratio" };
  const traces = tracesFor({ OTEL_TRACES_EXPORTER: "otlp", ...sampler, [name]: value });
  await expect(traces).rejects.toThrow(`${name}: got "${value}", `);
  await expect(traces).rejects.toThrow(allowed);
});

it("says that spans did not reach the collector, and goes on", async () => {
  const { endpoint, bodies } = await collector(400);
  const said: unknown[] = [];
  const logger = { warn: (...record: unknown[]) => void said.push(record) };
  const traces = await tracesFor({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, logger);
  traces?.tracerProvider.getTracer("test").startSpan("one span").end();
  await traces?.close();
  expect(bodies).toHaveLength(1);
  expect(said).toMatchObject([[{ failures: 1 }, "traces could not be pushed to the collector"]]);
});

it("says so once a minute, with how often", () => {
  const said: unknown[] = [];
  let nowMs = 5;
  const tell = tellFailures("traces", { warn: (details) => void said.push(details) }, () => nowMs);
  const error = new Error("no route");
  for (const atMs of [5, 10, 60_004, 60_005]) {
    nowMs = atMs;
    tell(error);
  }
  expect(said).toEqual([
    { failures: 1, cause: "no route" },
    { failures: 3, cause: "no route" },
  ]);
});

it("keeps no more spans than the queue holds while the collector hangs, and ends without it", async () => {
  const held: Server = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(held, "listening");
  opened.defer(() => {
    held.close();
    held.closeAllConnections();
  });
  const connected = once(held, "connection");
  const traces = await tracesFor({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(held.address() as AddressInfo).port}`,
    OTEL_BSP_MAX_QUEUE_SIZE: "4",
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "2",
  });
  const tracer = traces?.tracerProvider.getTracer("test");
  const references: WeakRef<object>[] = [];
  for (let count = 0; count < 100; count++) {
    const span = tracer?.startSpan("a span");
    span?.end();
    references.push(new WeakRef(span as object));
  }
  await connected;
  // Two on their way, four that wait, and what the engine has in its hands.
  const kept = (): number => {
    globalThis.gc?.();
    return references.filter((one) => one.deref() !== undefined).length;
  };
  await expect.poll(kept).toBeLessThanOrEqual(10);
  await traces?.close();
});
