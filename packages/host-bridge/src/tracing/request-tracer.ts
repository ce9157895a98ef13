import type * as OpenTelemetry from "@opentelemetry/api";
import type { Attributes, Span, SpanContext, Tracer } from "@opentelemetry/api";
import {
  httpRequestAttributes,
  methodAttribute,
  methodSpanName,
  noFields,
} from "@servehttp/contract";
import type { ObservedRequest } from "../observation/request-observer.js";
import type { TracingObserver } from "../observation/request-observers.js";
import { type RootTracer, rootTracerOf } from "./root-tracer.js";
import { remoteSpan, traceFieldsOf, valuesOf } from "./trace-fields.js";

/** A request with its span, where that is recorded. */
export interface TracedRequest extends ObservedRequest {
  span?: unknown;
}

/**
 * Makes a span of each request, by OpenTelemetry's semantic conventions for HTTP servers. The plugin
 * is told of it, so that its own spans are children. A connection that a plugin takes over has a
 * second span, as long as it lives. Of a span that is not recorded nothing is kept: it is there for
 * its ids.
 */
export class RequestTracer implements TracingObserver {
  readonly #api: typeof OpenTelemetry;
  readonly #tracer: Tracer;
  /** The same, where it draws roots. */
  readonly #roots: RootTracer | undefined;
  /** The last name of a span. */
  #named = { method: "", basePath: "" as string | undefined, name: "" };

  constructor(api: typeof OpenTelemetry, tracer: Tracer) {
    this.#api = api;
    this.#tracer = tracer;
    this.#roots = rootTracerOf(tracer);
  }

  /** Where the request begins a trace, as it does unless it names one, or the application has begun one. */
  drawRoot(traceContext: ObservedRequest["traceContext"]): string | undefined {
    const { context, ROOT_CONTEXT } = this.#api;
    return traceContext === undefined && context.active() === ROOT_CONTEXT
      ? this.#roots?.drawRoot()
      : undefined;
  }

  began(request: TracedRequest): void {
    const span = this.#start(request);
    const own = span.spanContext();
    if (!this.#api.trace.isSpanContextValid(own)) {
      return;
    }
    const { traceId, spanId, traceFlags } = own;
    request.trace = { traceId, spanId, sampled: (traceFlags & 1) === 1 };
    const { traceContext } = request;
    const baggage =
      traceContext?.isTrusted === true ? valuesOf(traceContext.fields, "baggage") : noFields;
    request.traceFields = traceFieldsOf(own, baggage);
    if (span.isRecording()) {
      request.span = span;
      span.setAttributes(attributesOf(request));
    }
  }

  waiting(request: TracedRequest): void {
    recorded(request)?.addEvent("servehttp.waiting");
  }

  givenBack(request: TracedRequest): void {
    recorded(request)?.addEvent("servehttp.given_back");
  }

  head(request: TracedRequest): void {
    recorded(request)?.addEvent("servehttp.head");
  }

  bodyBegan(request: TracedRequest): void {
    recorded(request)?.addEvent("servehttp.first_byte");
  }

  /** The span of the request ends with the upgrade, and that of the tunnel begins. */
  becameTunnel(request: TracedRequest): void {
    const span = recorded(request);
    if (span === undefined) {
      return;
    }
    const { context, SpanKind, trace } = this.#api;
    const inside = trace.setSpan(context.active(), span);
    const options = { kind: SpanKind.INTERNAL, attributes: identityOf(request) };
    const tunnel = this.#tracer.startSpan(spanName("tunnel", request), options, inside);
    request.span = tunnel;
    span.setAttributes(statusOf(request));
    span.end();
  }

  over(request: TracedRequest): void {
    const span = recorded(request);
    if (span === undefined) {
      return;
    }
    const { error, outcome, requestBytes, responseBytes, status, timesGivenBack } = request;
    span.setAttributes({
      ...(request.isTunnel
        ? { "servehttp.tunnel.received": requestBytes, "servehttp.tunnel.sent": responseBytes }
        : {
            ...statusOf(request),
            "http.request.body.size": requestBytes,
            "http.response.body.size": responseBytes,
          }),
      ...(timesGivenBack > 0 && { "servehttp.retries": timesGivenBack }),
      ...(outcome !== undefined && { "servehttp.outcome": outcome }),
    });
    if (outcome === "client-disconnected") {
      span.addEvent("servehttp.cancelled", { "servehttp.error.code": outcome });
    } else if ((error !== undefined && outcome !== "bad-request") || outcome === "host-error") {
      this.#fail(span, error?.code ?? "host-error");
    } else if (status !== undefined && status >= 500) {
      this.#fail(span, String(status));
    }
    span.end();
  }

  /** What failed is in the host's log. Messages may tell too much. */
  #fail(span: Span, errorType: string): void {
    span.setAttribute("error.type", errorType);
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR });
  }

  /** Requests of one kind come in a row, and most spans are not recorded: made once in a row. */
  #spanName(request: ObservedRequest): string {
    const { basePath, method } = request;
    if (this.#named.method !== method || this.#named.basePath !== basePath) {
      this.#named = { method, basePath, name: spanName(methodSpanName(method), request) };
    }
    return this.#named.name;
  }

  #start(request: ObservedRequest): Span {
    const { context, createTraceState, SpanKind, trace } = this.#api;
    const { traceContext } = request;
    const remote = traceContext && remoteSpan(traceContext.fields, createTraceState);
    // An application that traces by itself has a span of its own around this.
    const active = context.active();
    const isInside = trace.getSpan(active) !== undefined;
    const isTrusted = traceContext?.isTrusted === true;
    const parent =
      remote !== undefined && isTrusted && !isInside
        ? trace.setSpanContext(active, remote)
        : active;
    // For the sampler. The rest is only for spans that are recorded.
    const attributes = samplingAttributes(request);
    const options: OpenTelemetry.SpanOptions = { kind: SpanKind.SERVER, attributes };
    if (remote !== undefined && !isTrusted) {
      options.links = linkTo(remote);
    }
    const name = this.#spanName(request);
    return this.#roots !== undefined && request.trace !== undefined
      ? this.#roots.startRoot(request.trace.traceId, name, options, parent)
      : this.#tracer.startSpan(name, options, parent);
  }
}

/** Undefined where its span is not recorded. */
function recorded({ span }: TracedRequest): Span | undefined {
  return span as Span | undefined;
}

/** A stranger's trace is worth a look, and nothing more. */
function linkTo(remote: SpanContext): OpenTelemetry.Link[] {
  return [{ context: remote }];
}

function samplingAttributes(request: ObservedRequest): Attributes {
  const { basePath, method, pluginId, scheme, target } = request;
  const query = target.indexOf("?");
  const attributes: Attributes = {
    "http.request.method": methodAttribute(method),
    "url.scheme": scheme,
    "url.path": query < 0 ? target : target.slice(0, query),
  };
  // One by one: objects that are put together of others take much longer.
  if (pluginId !== undefined) {
    attributes["servehttp.plugin.id"] = pluginId;
  }
  if (basePath !== undefined) {
    attributes["http.route"] = routeOf(basePath);
  }
  return attributes;
}

/** For the sampler and for searches: the plugin, and where it is mounted. */
function identityOf({ basePath, pluginId }: ObservedRequest): Attributes {
  return {
    ...(pluginId !== undefined && { "servehttp.plugin.id": pluginId }),
    ...(basePath !== undefined && { "http.route": routeOf(basePath) }),
  };
}

/** There are as many names as plugins have mounts, whatever clients send. */
function spanName(name: string, { basePath }: ObservedRequest): string {
  return basePath === undefined ? name : `${name} ${routeOf(basePath)}`;
}

function routeOf(basePath: string): string {
  return `${basePath}/*`;
}

function statusOf({ status }: ObservedRequest): Attributes {
  return status === undefined ? {} : { "http.response.status_code": status };
}

function attributesOf(request: ObservedRequest): Attributes {
  const { calledBy, requestId } = request;
  return {
    ...httpRequestAttributes({
      method: request.method,
      target: request.target,
      scheme: request.scheme,
      host: request.host,
      clientAddress: request.clientAddress,
      httpVersion: request.httpVersion,
      userAgent: request.field("user-agent"),
    }),
    ...(requestId !== undefined && { "servehttp.request.id": requestId }),
    ...(calledBy !== undefined && { "servehttp.called_by": calledBy }),
  };
}
