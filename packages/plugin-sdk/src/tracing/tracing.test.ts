import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  CompositePropagator,
  getRPCMetadata,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from "@opentelemetry/core";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { TemporaryDirectory } from "@servehttp/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HostCalls } from "../calls/host-calls.js";
import type { PluginHandler } from "../adapters/to-serve-http.js";
import { callHandler, type TestCall, type TestRequest } from "../testing/testing.js";
import { currentTracing } from "./current-tracing.js";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const parentId = "b7ad6b7169203331";
const traceparent = `00-${traceId}-${parentId}-01`;
const exporter = new InMemorySpanExporter();

function register(sampler?: Sampler): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(
    new CompositePropagator({
      propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
    }),
  );
  trace.setGlobalTracerProvider(
    new TracerProvider({
      spanProcessors: [new SimpleSpanProcessor({ exporter })],
      ...(sampler !== undefined && { sampler }),
    }),
  );
}

afterEach(() => {
  trace.disable();
  propagation.disable();
  context.disable();
  exporter.reset();
});

/** Starts a handler with a request of the trace. */
function start(handler: PluginHandler, request: TestRequest = {}): TestCall {
  return callHandler(handler, { headers: { traceparent }, ...request });
}

/** Calls a handler, and returns the one span that is about the request. */
async function spanOf(handler: PluginHandler, request?: TestRequest): Promise<ReadableSpan> {
  const call = start(handler, request);
  await call.response.then((response) => response.text()).catch(() => undefined);
  return await finished();
}

/** The span of a request, once it has ended. */
async function finished(): Promise<ReadableSpan> {
  const isServer = ({ kind }: ReadableSpan) => kind === SpanKind.SERVER;
  await expect.poll(() => exporter.getFinishedSpans().filter(isServer)).toHaveLength(1);
  return exporter.getFinishedSpans().find(isServer) as ReadableSpan;
}

/** What code in a handler knows of its span. */
function activeIds(): { traceId?: string; spanId?: string } {
  const { traceId: id, spanId } = trace.getSpan(context.active())?.spanContext() ?? {};
  return { ...(id !== undefined && { traceId: id }), ...(spanId !== undefined && { spanId }) };
}

describe("without a provider", () => {
  it("traces nothing, and hands on what came", async () => {
    const seen: unknown[] = [];
    const { response } = start({
      serveHTTP: ({ headers }) => void seen.push(headers.get("traceparent"), activeIds()),
    });
    expect((await response).status).toBe(200);
    expect(seen).toEqual([traceparent, {}]);
    expect(currentTracing()).toBeUndefined();
  });
});

describe("with a provider", () => {
  beforeEach(() => register());

  it("gives each request a span that goes on from where the request comes", async () => {
    const handler: PluginHandler = {
      async serveHTTP(_request, response) {
        response.writeHead(404);
        await response.end("no");
      },
    };
    const span = await spanOf(handler, {
      url: "/a?b=c",
      basePath: "/plugins/notes",
      id: "r-1",
      headers: { traceparent, "User-Agent": "curl/8" },
      host: "example.com",
      scheme: "https",
    });
    expect(span).toMatchObject({
      name: "GET",
      kind: SpanKind.SERVER,
      parentSpanContext: { traceId, spanId: parentId, isRemote: true },
      status: { code: SpanStatusCode.UNSET },
      attributes: {
        "http.request.method": "GET",
        "http.response.status_code": 404,
        "url.path": "/plugins/notes/a",
        "url.query": "b=c",
        "url.scheme": "https",
        "server.address": "example.com",
        "client.address": "192.0.2.1",
        "network.protocol.version": "1.1",
        "user_agent.original": "curl/8",
        "servehttp.request.id": "r-1",
      },
      instrumentationScope: { name: "@servehttp/plugin-sdk" },
    });
    expect(span.spanContext().traceId).toBe(traceId);
  });

  it("begins a trace for a request that belongs to none", async () => {
    const span = await spanOf({ serveHTTP: () => undefined }, { headers: {} });
    expect(span.parentSpanContext).toBeUndefined();
  });

  const seen: unknown[] = [];
  const look = async (): Promise<void> => {
    seen.push(activeIds());
    await new Promise(setImmediate);
    seen.push(activeIds(), propagation.getActiveBaggage()?.getEntry("user")?.value);
  };
  const styles: Record<string, PluginHandler> = {
    serveHTTP: { serveHTTP: look },
    fetch: { fetch: async () => (await look(), new Response("hello")) },
    node: {
      node: (_request: IncomingMessage, response: ServerResponse) =>
        void look().then(() => response.end("hello")),
    },
    "http.Server": serverWith(
      (_request, response) => void look().then(() => response.end("hello")),
    ),
  };
  it.each(Object.entries(styles))(
    "keeps the span active in a handler of %s",
    async (_, handler) => {
      seen.length = 0;
      const span = await spanOf(handler, { headers: { traceparent, baggage: "user=ada" } });
      const ids = { traceId, spanId: span.spanContext().spanId };
      expect(seen).toEqual([ids, ids, "ada"]);
      expect(activeIds()).toEqual({});
    },
  );

  it("keeps it active where a listener of Node's reads the body", async () => {
    seen.length = 0;
    const node = (request: IncomingMessage, response: ServerResponse): void => {
      request.on("data", () => seen.push(activeIds()));
      request.on("end", () => {
        seen.push(activeIds());
        response.end();
      });
      response.on("finish", () => seen.push(activeIds()));
    };
    const span = await spanOf({ node }, { method: "POST", body: later() });
    const ids = { traceId, spanId: span.spanContext().spanId };
    expect(seen).toEqual([ids, ids, ids]);
  });

  it("makes spans of the handler's own children of it", async () => {
    const span = await spanOf({
      async serveHTTP() {
        await Promise.resolve();
        trace.getTracer("test").startSpan("query").end();
      },
    });
    const child = exporter.getFinishedSpans().find(({ name }) => name === "query");
    expect(child?.parentSpanContext?.spanId).toBe(span.spanContext().spanId);
  });

  it("is named by the route that a framework's instrumentation has found", async () => {
    const span = await spanOf({
      serveHTTP() {
        const found = getRPCMetadata(context.active());
        expect(found?.type).toBe("http");
        Object.assign(found as object, { route: "/items/:id" });
      },
    });
    expect(span.name).toBe("GET /items/:id");
    expect(span.attributes["http.route"]).toBe("/items/:id");
  });

  it("has the log name the request's own span", async () => {
    const records: unknown[] = [];
    const logger = {
      info: (details: object) => void records.push(details),
      warn: () => undefined,
      error: () => undefined,
    };
    const serveHTTP: PluginHandler = { serveHTTP: ({ log }) => log.info("here") };
    const { response } = callHandler(
      serveHTTP,
      { id: "r-1", headers: { traceparent } },
      { logger },
    );
    await response;
    const span = await finished();
    const { spanId } = span.spanContext();
    expect(records).toEqual([{ requestId: "r-1", trace_id: traceId, span_id: spanId }]);
  });

  it.each([
    ["before the head", false, 500],
    ["behind it", true, 200],
  ])("records why a handler failed %s", async (_, begins, status) => {
    const span = await spanOf({
      async serveHTTP(_request, response) {
        if (begins) {
          await response.write("a");
        }
        throw new TypeError("no such note");
      },
    });
    expect(span).toMatchObject({
      status: { code: SpanStatusCode.ERROR, message: "no such note" },
      attributes: { "error.type": "TypeError", "http.response.status_code": status },
      events: [{ name: "exception", attributes: { "exception.message": "no such note" } }],
    });
  });

  it("takes a head that HTTP does not allow, and an answer of 5xx, for errors", async () => {
    const impossible = await spanOf({ serveHTTP: (_request, response) => response.writeHead(42) });
    expect(impossible.attributes).toMatchObject({
      "error.type": "ServeHTTPError",
      "http.response.status_code": 500,
    });
    exporter.reset();
    const busy = await spanOf({ serveHTTP: (_request, response) => response.writeHead(503) });
    expect(busy.status.code).toBe(SpanStatusCode.ERROR);
    expect(busy.attributes["error.type"]).toBe("503");
  });

  it.each([
    ["client-disconnected", SpanStatusCode.UNSET, undefined],
    ["deadline", SpanStatusCode.ERROR, "deadline"],
  ] as const)("ends when the exchange is given up: %s", async (code, statusCode, errorType) => {
    const call = start({ serveHTTP: (request) => once(request.signal, "abort").then(() => {}) });
    await new Promise(setImmediate);
    call.abort(code);
    const span = await finished();
    expect(span.events).toMatchObject([
      { name: "servehttp.cancelled", attributes: { "servehttp.error.code": code } },
    ]);
    expect(span.status.code).toBe(statusCode);
    expect(span.attributes["error.type"]).toBe(errorType);
    expect(span.attributes["http.response.status_code"]).toBeUndefined();
  });

  it("lasts as long as the connection that the handler took over", async () => {
    const call = start(
      {
        async serveHTTP(_request, response) {
          const { socket } = await response.hijack();
          socket.on("data", (chunk: Buffer) => socket.end(chunk));
        },
      },
      { hijackable: true },
    );
    const tunnel = await call.tunnel;
    await new Promise(setImmediate);
    expect(exporter.getFinishedSpans()).toEqual([]);
    tunnel.end("hello");
    expect(Buffer.concat(await tunnel.toArray()).toString()).toBe("hello");
    const span = await finished();
    expect(span.attributes["http.response.status_code"]).toBe(101);
  });

  it("lets methods that are none make up no names", async () => {
    const span = await spanOf({ serveHTTP: () => undefined }, { method: "PURGE" });
    expect(span.name).toBe("HTTP");
    expect(span.attributes).toMatchObject({
      "http.request.method": "_OTHER",
      "http.request.method_original": "PURGE",
    });
  });
});

it("traces no more once the provider is gone, and again with the next one", async () => {
  register();
  await spanOf({ serveHTTP: () => undefined });
  trace.disable();
  exporter.reset();
  await start({ serveHTTP: () => undefined }).response;
  expect(exporter.getFinishedSpans()).toEqual([]);
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
  );
  await spanOf({ serveHTTP: () => undefined });
});

it("hands on a trace that is not recorded, and the log names it", async () => {
  register();
  const logged: Readonly<Record<string, unknown>>[] = [];
  const logger = {
    info: (details: Readonly<Record<string, unknown>>) => void logged.push(details),
    warn: () => undefined,
    error: () => undefined,
  };
  const carried: Record<string, string> = {};
  const handler: PluginHandler = {
    serveHTTP({ log }) {
      log.info("here");
      propagation.inject(context.active(), carried);
    },
  };
  const headers = { traceparent: `00-${traceId}-${parentId}-00`, tracestate: "a=b" };
  expect((await callHandler(handler, { headers }, { logger }).response).status).toBe(200);
  expect(logged[0]?.["trace_id"]).toBe(traceId);
  expect(carried["traceparent"]).toBe(`00-${traceId}-${String(logged[0]?.["span_id"])}-00`);
  expect(carried["tracestate"]).toBe("a=b");
  expect(exporter.getFinishedSpans()).toEqual([]);
});

it("answers although the tracer fails", async () => {
  const fail = (): never => {
    throw new Error("no sampler");
  };
  register({ shouldSample: fail, toString: () => "failing" });
  const { response } = start({ serveHTTP: () => undefined });
  expect((await response).status).toBe(200);
});

describe("calls to other plugins", () => {
  let opened: AsyncDisposableStack;
  const received: IncomingMessage["headers"][] = [];
  beforeEach(() => {
    register();
    received.length = 0;
    opened = new AsyncDisposableStack();
  });
  afterEach(async () => {
    await opened.disposeAsync();
  });

  /** A host that answers calls. */
  async function calls(status = 200): Promise<HostCalls> {
    const directory = opened.use(await TemporaryDirectory.make());
    const server = createServer((request, response) => {
      received.push(request.headers);
      if (status === 0) {
        request.socket.destroy();
      } else {
        response.writeHead(status).end("found");
      }
    }).listen(directory.socketPath);
    await once(server, "listening");
    opened.defer(() => {
      server.close();
      server.closeAllConnections();
    });
    return new HostCalls({ path: directory.socketPath }, "the-token");
  }

  const isClient = ({ kind }: ReadableSpan): boolean => kind === SpanKind.CLIENT;
  const exchange = { id: "exchange-1", signal: new AbortController().signal };

  it("are children of the active span, and say so to the other plugin", async () => {
    const made = await calls();
    const parent = trace.getTracer("test").startSpan("parent");
    const active = trace.setSpan(context.active(), parent);
    const response = await context.with(active, () =>
      made.within(undefined).fetch("search", "/query?q=x", { method: "POST" }),
    );
    expect(await response.text()).toBe("found");
    await expect.poll(() => exporter.getFinishedSpans()).toHaveLength(1);
    const [span] = exporter.getFinishedSpans();
    expect(span).toMatchObject({
      name: "POST search",
      kind: SpanKind.CLIENT,
      parentSpanContext: { spanId: parent.spanContext().spanId },
      attributes: {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "service.peer.name": "search",
        "url.path": "/search/query",
      },
      status: { code: SpanStatusCode.UNSET },
    });
    const { traceId: id, spanId } = span?.spanContext() ?? {};
    expect(received[0]?.["traceparent"]).toBe(`00-${id}-${spanId}-01`);
  });

  it("are children of the exchange's span where no other is active", async () => {
    const made = await calls();
    const parent = trace.getTracer("test").startSpan("parent");
    const traceContext = trace.setSpan(context.active(), parent);
    await made
      .within({ ...exchange, traceContext })
      .fetch("search", "/")
      .then((r) => r.text());
    await expect.poll(() => exporter.getFinishedSpans().filter(isClient)).toHaveLength(1);
    const [span] = exporter.getFinishedSpans();
    expect(span?.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
  });

  it("are let alone where they name a trace themselves", async () => {
    const made = await calls();
    const response = await made.within(exchange).fetch("search", "/", { headers: { traceparent } });
    await response.text();
    expect(received[0]?.["traceparent"]).toBe(traceparent);
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  it.each([
    [404, "404"],
    [0, "connection-lost"],
  ])("that fail (%j) are errors: %s", async (status, errorType) => {
    const made = await calls(status);
    await made
      .within(exchange)
      .fetch("search", "/")
      .then(
        (r) => r.text(),
        () => undefined,
      );
    await expect.poll(() => exporter.getFinishedSpans().filter(isClient)).toHaveLength(1);
    const [span] = exporter.getFinishedSpans();
    expect(span?.status.code).toBe(SpanStatusCode.ERROR);
    expect(span?.attributes["error.type"]).toBe(errorType);
  });
});

function serverWith(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  return createServer(listener);
}

/** A body that comes after the handler was called. */
async function* later(): AsyncGenerator<Uint8Array> {
  await new Promise(setImmediate);
  yield Buffer.from("hello");
}
