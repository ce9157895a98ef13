import type { Context, Span } from "@opentelemetry/api";
import { methodAttribute, methodSpanName } from "@servehttp/contract";
import type { Tracing } from "./current-tracing.js";
import { fieldSetter } from "./field-carrier.js";
import { quietly } from "./quietly.js";

/** What a call is. */
export interface TracedCall {
  readonly method: string;
  /** The plugin that is called. */
  readonly pluginId: string;
  /** Path and query as the host gets them. */
  readonly target: string;
}

/**
 * The span of a call to another plugin: a child of the active span, or of the span of the exchange
 * within which the call is made.
 */
export class CallSpan {
  readonly #tracing: Tracing;
  readonly #span: Span;
  /** What the call carries of it, and of what else is propagated: name, value, name, value. */
  readonly fields: readonly string[];

  /** @throws what the tracer, its sampler or a propagator throws */
  constructor(tracing: Tracing, call: TracedCall, exchange: Context | undefined) {
    const { context, propagation, SpanKind, trace } = tracing.api;
    const active = context.active();
    const parent = trace.getSpan(active) === undefined ? (exchange ?? active) : active;
    const query = call.target.indexOf("?");
    this.#tracing = tracing;
    this.#span = tracing.tracer.startSpan(
      `${methodSpanName(call.method)} ${call.pluginId}`,
      {
        kind: SpanKind.CLIENT,
        attributes: {
          "http.request.method": methodAttribute(call.method),
          "service.peer.name": call.pluginId,
          "server.address": "localhost",
          "url.scheme": "http",
          "url.path": query < 0 ? call.target : call.target.slice(0, query),
        },
      },
      parent,
    );
    const fields: string[] = [];
    propagation.inject(trace.setSpan(parent, this.#span), fields, fieldSetter);
    this.fields = fields;
  }

  /** The head of the response is there. */
  answered(status: number): void {
    quietly(() => {
      this.#span.setAttribute("http.response.status_code", status);
      if (status >= 400) {
        this.#span.setAttribute("error.type", String(status));
        this.#span.setStatus({ code: this.#tracing.api.SpanStatusCode.ERROR });
      }
    });
  }

  /** The response has been read, or the call has failed. Called once. */
  end(failure: { readonly reason: unknown } | undefined): void {
    quietly(() => {
      if (failure !== undefined) {
        const { reason } = failure;
        const { code, name, message } = reason as {
          code?: unknown;
          name?: string;
          message?: string;
        };
        this.#span.setAttribute("error.type", typeof code === "string" ? code : (name ?? "_OTHER"));
        this.#span.setStatus({
          code: this.#tracing.api.SpanStatusCode.ERROR,
          ...(message !== undefined && { message }),
        });
      }
      this.#span.end();
    });
  }
}

/** Begins the span of a call; undefined where the tracer fails. */
export function beginCallSpan(
  tracing: Tracing,
  call: TracedCall,
  exchange: Context | undefined,
): CallSpan | undefined {
  return quietly(() => new CallSpan(tracing, call, exchange));
}
