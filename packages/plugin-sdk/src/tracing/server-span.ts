import type { Attributes, Context, Span, SpanContext } from "@opentelemetry/api";
import {
  httpRequestAttributes,
  methodAttribute,
  methodSpanName,
  type RequestInit,
  type ServeHTTPError,
} from "@servehttp/contract";
import type { Tracing } from "./current-tracing.js";
import { fieldGetter, fieldValue } from "./field-carrier.js";
import { quietly } from "./quietly.js";

/**
 * The span of one exchange at the plugin: a child of the span that the host, or whoever sent the
 * request, names in `traceparent`. What a tracer throws changes nothing for the exchange.
 */
export class ServerSpan {
  readonly #tracing: Tracing;
  readonly #method: string;
  readonly #span: Span;
  /** In which the span is the active one. */
  readonly context: Context;
  /** Where instrumentations of frameworks put the route that they have found. */
  readonly #found: { readonly type: "http"; readonly span: Span; route?: unknown };
  #hasError = false;
  #hasEnded = false;

  /** @throws what the tracer, its sampler or a propagator throws */
  constructor(tracing: Tracing, request: RequestInit, target: string) {
    const { createContextKey, propagation, ROOT_CONTEXT, SpanKind, trace } = tracing.api;
    const parent = propagation.extract(ROOT_CONTEXT, request.headers, fieldGetter);
    const query = target.indexOf("?");
    this.#tracing = tracing;
    this.#method = methodSpanName(request.method);
    this.#span = tracing.tracer.startSpan(
      this.#method,
      {
        kind: SpanKind.SERVER,
        // For the sampler. The rest is only for spans that are recorded.
        attributes: {
          "http.request.method": methodAttribute(request.method),
          "url.scheme": request.scheme,
          "url.path": query < 0 ? target : target.slice(0, query),
        },
      },
      parent,
    );
    if (this.#span.isRecording()) {
      this.#span.setAttributes(attributesOf(request, target));
    }
    this.#found = { type: "http", span: this.#span };
    // That of `@opentelemetry/core` for `setRPCMetadata`.
    const foundKey = createContextKey("OpenTelemetry SDK Context Key RPC_METADATA");
    this.context = trace.setSpan(parent, this.#span).setValue(foundKey, this.#found);
  }

  /** The ids by which logs name it. */
  get ids(): Pick<SpanContext, "spanId" | "traceId"> {
    return this.#span.spanContext();
  }

  /** Calls a function in whose calls this span is the active one. */
  run<A extends unknown[], R>(callee: (...args: A) => R, ...args: A): R {
    return this.#tracing.api.context.with(this.context, callee, undefined, ...args);
  }

  /** The exchange was given up. */
  cancelled({ code, message }: ServeHTTPError): void {
    this.#write((span) => {
      span.addEvent("servehttp.cancelled", { "servehttp.error.code": code });
      if (code !== "client-disconnected") {
        this.#setError(span, code, message);
      }
    });
  }

  /** The handler has failed: the client gets 500, or a broken transfer. */
  failed(thrown: unknown): void {
    this.#write((span) => {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      span.recordException(error);
      this.#setError(span, error.name, error.message);
    });
  }

  /**
   * The exchange is over.
   *
   * @param status that the client got; undefined where it got none
   */
  end(status: number | undefined): void {
    this.#write((span) => {
      if (status !== undefined) {
        span.setAttribute("http.response.status_code", status);
        if (status >= 500) {
          this.#setError(span, String(status), undefined);
        }
      }
      const { route } = this.#found;
      if (typeof route === "string" && route !== "") {
        span.setAttribute("http.route", route);
        span.updateName(`${this.#method} ${route}`);
      }
    });
    if (!this.#hasEnded) {
      this.#hasEnded = true;
      quietly(() => this.#span.end());
    }
  }

  /** Sets what is wrong. What was wrong first counts. */
  #setError(span: Span, type: string, message: string | undefined): void {
    if (!this.#hasError) {
      this.#hasError = true;
      span.setAttribute("error.type", type);
      const code = this.#tracing.api.SpanStatusCode.ERROR;
      span.setStatus(message === undefined ? { code } : { code, message });
    }
  }

  #write(write: (span: Span) => void): void {
    if (!this.#hasEnded && this.#span.isRecording()) {
      quietly(() => write(this.#span));
    }
  }
}

/**
 * Begins the span of a request; undefined where the tracer fails.
 *
 * @param target path and query as the client sent them
 */
export function beginServerSpan(
  tracing: Tracing,
  request: RequestInit,
  target: string,
): ServerSpan | undefined {
  return quietly(() => new ServerSpan(tracing, request, target));
}

function attributesOf(request: RequestInit, target: string): Attributes {
  const { headers, host, protocolMajor, protocolMinor, scheme } = request;
  return {
    ...httpRequestAttributes({
      method: request.method,
      target,
      scheme,
      host,
      clientAddress: request.remoteAddress,
      httpVersion: protocolMajor === 1 ? `1.${protocolMinor}` : String(protocolMajor),
      userAgent: fieldValue(headers, "user-agent"),
    }),
    "servehttp.request.id": request.requestId,
  };
}
