import { createServer } from "node:http";
import {
  context,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
  type TracerProvider as TracerProviderOfApi,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  AlwaysOffSampler,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { traceParentOf } from "@servehttp/contract";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { until } from "@servehttp/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { createPluginHost } from "../create-plugin-host.js";
import { fastPathOf } from "../fast-path/install.js";
import type { ObservedRequest } from "../observation/request-observer.js";
import { Bridge, type BridgeOptions } from "../test-rig/bridge.js";
import { RawClient } from "../test-rig/raw-client.js";
import type { RootTracer } from "./root-tracer.js";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";
const came = [
  `traceparent: 00-${traceId}-${spanId}-01`,
  "tracestate: a=b",
  "baggage: user=ada",
  "Baggage: tenant=x",
];

const exporter = new InMemorySpanExporter();
afterEach(() => exporter.reset());

function provider(sampler?: AlwaysOffSampler): TracerProvider {
  return new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
    ...(sampler !== undefined && { sampler }),
  });
}

/** Answers with the trace context that came, one field a line. */
const handler: PluginHandler = {
  async serveHTTP(request, response) {
    switch (request.url.split("?")[0]) {
      case "/throw":
        throw new Error("the handler is at fault");
      case "/wait":
        await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
        return;
      case "/tunnel": {
        const { socket } = await response.hijack();
        socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
        socket.on("data", (chunk: Buffer) => socket.end(chunk));
        return;
      }
      default: {
        const lines = ["traceparent", "tracestate", "baggage"].flatMap((name) =>
          request.headers.getAll(name).map((value) => `${name}: ${value}`),
        );
        await response.end([...lines, "end"].join("\n"));
      }
    }
  },
};

async function bridge(options: BridgeOptions = {}): Promise<Bridge> {
  return await Bridge.start(handler, {
    ...options,
    host: { tracerProvider: provider(), ...options.host },
  });
}

/** Sends a request, and returns the trace context that the plugin got, one field a line. */
async function received(port: number, fields: readonly string[], path = "/a"): Promise<string[]> {
  const answer = await answered(port, `/plugins/notes${path}`, fields, "end");
  const [, body = ""] = answer.split("\r\n\r\n");
  return body.split("\n").slice(0, -1);
}

async function answered(
  port: number,
  target: string,
  fields: readonly string[],
  awaited: string,
): Promise<string> {
  using client = await RawClient.connect(port);
  client.send(`GET ${target} HTTP/1.1`, "Host: a.test:80", ...fields, "", "");
  return await client.take(awaited);
}

async function spans(count = 1): Promise<ReadableSpan[]> {
  await until(() => exporter.getFinishedSpans().length >= count, "the spans");
  expect(exporter.getFinishedSpans()).toHaveLength(count);
  return exporter.getFinishedSpans();
}

function idsOf(span: ReadableSpan | undefined): unknown {
  const { traceId: id, spanId: own } = span?.spanContext() ?? {};
  return { traceId: id, spanId: own, sampled: true };
}

describe("a host that traces", () => {
  it.each([
    ["the fast path", true],
    ["Node's parser", false],
  ])("makes one span of a request by %s, and tells the plugin", async (_by, fastPath) => {
    const server = createServer();
    await using running = await bridge({
      server,
      attach: false,
      wire: (one, host) => void host.attach(one, { fastPath }),
      host: { edge: { strip: { queryParameters: ["token"] } } },
    });
    const [line] = await received(running.port, ["User-Agent: me"], "/a?token=secret&q=1");
    expect(fastPathOf(server)?.served ?? 0).toBe(fastPath ? 1 : 0);
    const [span] = await spans();
    expect(span).toMatchObject({
      name: "GET /plugins/notes/*",
      kind: SpanKind.SERVER,
      parentSpanContext: undefined,
      links: [],
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/plugins/notes/*",
        "url.scheme": "http",
        "url.path": "/plugins/notes/a",
        "url.query": "q=1",
        "server.address": "a.test",
        "server.port": 80,
        "client.address": "127.0.0.1",
        "network.protocol.version": "1.1",
        "user_agent.original": "me",
        "servehttp.plugin.id": "notes",
        "servehttp.outcome": "ok",
        "servehttp.request.id": expect.stringMatching(/./) as string,
      },
    });
    expect(span?.events.map(({ name }) => name)).toEqual([
      "servehttp.head",
      "servehttp.first_byte",
    ]);
    expect(traceParentOf(["traceparent", line?.split(": ")[1] ?? ""])).toEqual(idsOf(span));
  });

  it("goes on from the trace of a client that it trusts, baggage and all", async () => {
    await using running = await bridge({ host: { edge: { trustTraceContext: true } } });
    const lines = await received(running.port, came);
    const [span] = await spans();
    expect(span?.parentSpanContext).toMatchObject({ traceId, spanId, isRemote: true });
    expect(span?.spanContext().traceId).toBe(traceId);
    expect(lines).toEqual([
      `traceparent: 00-${traceId}-${span?.spanContext().spanId}-01`,
      "tracestate: a=b",
      "baggage: user=ada",
      "baggage: tenant=x",
    ]);
  });

  it("begins a trace of its own for everybody else, with a link to theirs", async () => {
    await using running = await bridge();
    const lines = await received(running.port, came);
    const [span] = await spans();
    expect(span?.parentSpanContext).toBeUndefined();
    expect(span?.spanContext().traceId).not.toBe(traceId);
    expect(span?.links).toMatchObject([{ context: { traceId, spanId } }]);
    expect(lines).toHaveLength(1);
    expect(traceParentOf(["traceparent", lines[0]?.split(": ")[1] ?? ""])).toEqual(idsOf(span));
  });

  it("tells the plugin and observers of a span that is not recorded", async () => {
    const tracerProvider = provider(new AlwaysOffSampler());
    await using running = await bridge({ host: { tracerProvider } });
    const seen: ObservedRequest[] = [];
    running.host.observe({ over: (request) => void seen.push(request) });
    const [line] = await received(running.port, []);
    await until(() => seen.length > 0, "the end of the request");
    const told = traceParentOf(["traceparent", line?.split(": ")[1] ?? ""]);
    expect(told?.sampled).toBe(false);
    expect(seen[0]?.trace).toEqual(told);
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  it("records what it answers itself, and why", async () => {
    await using running = await bridge();
    await answered(running.port, "/plugins/notes/throw", [], " 500 ");
    const [span] = await spans();
    expect(span).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { "http.response.status_code": 500, "error.type": "handler-failed" },
    });
    exporter.reset();
    await answered(running.port, "/plugins/none/", [], " 404 ");
    const [other] = await spans();
    expect(other).toMatchObject({
      name: "GET",
      status: { code: SpanStatusCode.UNSET },
      attributes: { "http.response.status_code": 404 },
    });
  });

  it("ends with a client that leaves, which is no error", async () => {
    await using running = await bridge();
    const client = await RawClient.connect(running.port);
    client.send("GET /plugins/notes/wait HTTP/1.1", "Host: a.test", "", "");
    await until(() => running.host.plugins[0]?.inFlight === 1, "the exchange");
    client[Symbol.dispose]();
    const [span] = await spans();
    expect(span?.status.code).toBe(SpanStatusCode.UNSET);
    expect(span?.attributes["servehttp.outcome"]).toBe("client-disconnected");
    expect(span?.attributes).not.toHaveProperty("http.response.status_code");
    expect(span?.events.map(({ name }) => name)).toEqual(["servehttp.cancelled"]);
  });

  it("gives a tunnel a span that lasts as long, beneath that of its request", async () => {
    await using running = await bridge({ host: { edge: { upgrades: ["echo"] } } });
    using client = await RawClient.connect(running.port);
    const upgrades = ["Connection: Upgrade", "Upgrade: echo"];
    client.send("GET /plugins/notes/tunnel HTTP/1.1", "Host: a.test", ...upgrades, "", "");
    await client.take("101 Switching Protocols\r\n\r\n");
    const [upgrade] = await spans();
    expect(upgrade).toMatchObject({
      name: "GET /plugins/notes/*",
      attributes: { "http.response.status_code": 101 },
    });
    client.send("hello");
    await client.take("hello");
    client.socket.end();
    const [, tunnel] = await spans(2);
    expect(tunnel).toMatchObject({
      name: "tunnel /plugins/notes/*",
      kind: SpanKind.INTERNAL,
      parentSpanContext: { spanId: upgrade?.spanContext().spanId },
      attributes: {
        "servehttp.plugin.id": "notes",
        "servehttp.outcome": "ok",
        "servehttp.tunnel.received": 5,
      },
    });
  });

  it("stands beneath the span in which the application calls it", async () => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    try {
      const outer = provider().getTracer("application");
      await using running = await bridge({
        attach: false,
        wire: (server, host) =>
          void server.on("request", (request, response) => {
            const span = outer.startSpan("middleware");
            context.with(trace.setSpan(context.active(), span), () =>
              host.listener(request, response),
            );
            response.on("close", () => span.end());
          }),
        host: { edge: { trustTraceContext: true } },
      });
      await received(running.port, came);
      const [span, middleware] = await spans(2);
      expect(span?.parentSpanContext?.spanId).toBe(middleware?.spanContext().spanId);
    } finally {
      context.disable();
    }
  });
});

/** Whose tracers say beforehand what is recorded: the first trace is not, the second is, and so on. */
function drawingProvider() {
  const drawn: string[] = [];
  let settled = "";
  const idGenerator = { generateTraceId: () => settled, generateSpanId: () => spanId };
  const spanProcessors = [new SimpleSpanProcessor({ exporter })];
  const tracer: Tracer = new TracerProvider({ spanProcessors, idGenerator }).getTracer("test");
  const roots: RootTracer = {
    startSpan: (...args) => tracer.startSpan(...args),
    startActiveSpan: tracer.startActiveSpan.bind(tracer),
    drawRoot: () => {
      const count = drawn.length;
      const root = `00-${String(count + 1).padStart(32, "0")}-00f067aa0ba902b7-0${count % 2}`;
      drawn.push(root);
      return root;
    },
    startRoot: (id, ...args) => {
      settled = id;
      return tracer.startSpan(...args);
    },
  };
  const tracerProvider: TracerProviderOfApi = { getTracer: () => roots };
  return { tracerProvider, drawn };
}

describe("a host whose tracer says beforehand what is recorded", () => {
  it("makes spans of what is, and tells plugins of all", async () => {
    const { drawn, tracerProvider } = drawingProvider();
    await using running = await bridge({ host: { tracerProvider } });
    const lines: string[] = [];
    for (let count = 0; count < 4; count += 1) {
      lines.push(...(await received(running.port, [])));
    }
    const [first, second, third, fourth] = drawn.map((root) => root.split("-")[1]);
    const made = await spans(2);
    expect(made.map((span) => span.spanContext().traceId)).toEqual([second, fourth]);
    expect(made[0]).toMatchObject({
      name: "GET /plugins/notes/*",
      parentSpanContext: undefined,
      attributes: { "http.response.status_code": 200, "servehttp.outcome": "ok" },
    });
    expect(lines).toEqual([
      `traceparent: 00-${first}-00f067aa0ba902b7-00`,
      `traceparent: 00-${second}-${spanId}-01`,
      `traceparent: 00-${third}-00f067aa0ba902b7-00`,
      `traceparent: 00-${fourth}-${spanId}-01`,
    ]);
  });

  it("tells observers of the ids, and of all that happens", async () => {
    const { tracerProvider } = drawingProvider();
    await using running = await bridge({ host: { tracerProvider } });
    const seen: ObservedRequest[] = [];
    const began: unknown[] = [];
    running.host.observe({
      began: ({ trace: known }) => void began.push(known?.sampled),
      over: (request) => void seen.push(request),
    });
    const lines = [...(await received(running.port, [])), ...(await received(running.port, []))];
    await answered(running.port, "/plugins/notes/throw", [], " 500 ");
    await until(() => seen.length === 3, "the ends of the requests");
    expect(began).toEqual([false, true, false]);
    const traces = seen.map((request) => request.trace);
    const told = lines.map((line) => traceParentOf(["traceparent", line.split(": ")[1] ?? ""]));
    expect(traces.slice(0, 2)).toEqual(told);
    expect(traces[2]).toMatchObject({ spanId: "00f067aa0ba902b7", sampled: false });
    expect(seen[2]).toMatchObject({ status: 500, outcome: "plugin-error" });
  });

  it("asks it only where a trace begins", async () => {
    const { drawn, tracerProvider } = drawingProvider();
    const edge = { trustTraceContext: true };
    await using running = await bridge({ host: { tracerProvider, edge } });
    await received(running.port, came);
    const [span] = await spans();
    expect(span?.spanContext().traceId).toBe(traceId);
    expect(drawn).toEqual([]);
  });

  it("goes on after all failures of requests that nobody watches", async () => {
    const { drawn, tracerProvider } = drawingProvider();
    const edge = { upgrades: ["echo"] };
    await using running = await bridge({ host: { tracerProvider, edge } });
    await answered(running.port, "/plugins/notes/throw", [], " 500 ");
    await answered(running.port, "/plugins/none/", [], " 404 ");
    using client = await RawClient.connect(running.port);
    const upgrades = ["Connection: Upgrade", "Upgrade: echo"];
    client.send("GET /plugins/notes/tunnel HTTP/1.1", "Host: a.test", ...upgrades, "", "");
    await client.take("101 Switching Protocols\r\n\r\n");
    client.send("hello");
    await client.take("hello");
    expect(drawn).toHaveLength(3);
  });
});

describe("tracing", () => {
  it("takes the provider that the process has registered by the time it starts", async () => {
    trace.setGlobalTracerProvider(provider());
    try {
      await using running = await Bridge.start(handler);
      await received(running.port, []);
      await until(() => exporter.getFinishedSpans().length > 0, "the spans");
      const scopes = exporter.getFinishedSpans().map((span) => span.instrumentationScope.name);
      expect(scopes).toContain("@servehttp/host-bridge");
      exporter.reset();
      await using silent = await bridge({ host: { tracerProvider: false } });
      await received(silent.port, []);
      const left = exporter.getFinishedSpans().map((span) => span.instrumentationScope.name);
      expect(left).not.toContain("@servehttp/host-bridge");
    } finally {
      trace.disable();
    }
  });

  it("is off without one: what a trusted client sent passes as it came", async () => {
    await using running = await Bridge.start(handler, {
      host: { edge: { trustedProxies: ["127.0.0.1"] } },
    });
    expect(await received(running.port, came)).toEqual(came.map((line) => line.replace("B", "b")));
    await using stranger = await Bridge.start(handler);
    expect(await received(stranger.port, came)).toEqual([]);
    await using none = await Bridge.start(handler, {
      host: { edge: { trustedProxies: ["127.0.0.1"], trustTraceContext: false } },
    });
    expect(await received(none.port, came)).toEqual([]);
  });

  it("refuses something else as a provider", () => {
    const tracerProvider = {} as never;
    expect(() => createPluginHost({ plugins: {}, tracerProvider })).toThrow(
      "a tracer provider of OpenTelemetry, or false",
    );
  });
});
