import { AsyncResource } from "node:async_hooks";
import {
  type ExchangeChannel,
  isThenable,
  type PartReceiver,
  type RequestInit,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import type { ServeHTTP } from "../handler/serve-http.js";
import { RequestReader, type SharedByRequests } from "./request-reader.js";
import { ResponseSender } from "./response-sender.js";
import { currentTracing } from "../tracing/current-tracing.js";
import { beginServerSpan, type ServerSpan } from "../tracing/server-span.js";
import type { RunningHandlers } from "./running-handlers.js";

/** What an exchange shares with the others of its plugin. */
export interface DispatchOptions extends SharedByRequests {
  readonly running: RunningHandlers;
}

/**
 * One exchange from its carrier to the handler and back. The handler is called when the request's
 * head comes.
 */
export function dispatchExchange(
  channel: ExchangeChannel<ResponseParts>,
  handler: ServeHTTP,
  options: DispatchOptions,
): PartReceiver<RequestParts> {
  return new Exchange(channel, handler, options);
}

/** waiting -> running [#start]; running -> over [#leave] */
class Exchange implements PartReceiver<RequestParts> {
  readonly #channel: ExchangeChannel<ResponseParts>;
  readonly #handler: ServeHTTP;
  readonly #options: DispatchOptions;
  #handlerState: "waiting" | "running" | "over" = "waiting";
  #request: RequestReader | undefined;
  #response: ResponseSender | undefined;
  #abortReason: ServeHTTPError | undefined;
  /** There where the exchange is traced. */
  #span: ServerSpan | undefined;

  constructor(
    channel: ExchangeChannel<ResponseParts>,
    handler: ServeHTTP,
    options: DispatchOptions,
  ) {
    this.#channel = channel;
    this.#handler = handler;
    this.#options = options;
  }

  receive(parts: RequestParts): void | Promise<void> {
    if (this.#abortReason !== undefined) {
      return undefined;
    }
    if (parts.init !== undefined) {
      return this.#start(parts.init, parts);
    }
    const taken = this.#request?.receive(parts);
    // In a tunnel the body is discarded as it comes, so that only one of the two can have to wait.
    return this.#response?.tunnel?.receive(parts) ?? taken;
  }

  abort(error: ServeHTTPError): void {
    this.#abortReason = error;
    if (error.code !== "request-not-needed") {
      this.#span?.cancelled(error);
    }
    this.#response?.abort(error);
    this.#request?.abort(error);
    this.#leave();
  }

  #start(init: RequestInit, parts: RequestParts): void | Promise<void> {
    const request = new RequestReader(
      init,
      init.expectContinue ? () => response.askForBody() : undefined,
      this.#options,
    );
    const response = new ResponseSender(this.#channel, init, request, this.#options.logger);
    this.#request = request;
    this.#response = response;
    const tracing = currentTracing();
    if (tracing !== undefined) {
      this.#span = beginServerSpan(tracing, init, request.originalUrl);
      request.span = this.#span;
    }
    // Before the handler runs, so that it finds a body that came along.
    const taken = request.receive(parts);
    this.#handlerState = "running";
    this.#options.running.enter();
    this.#run(request, response);
    return taken;
  }

  #run(request: RequestReader, response: ResponseSender): void {
    try {
      // Each handler has a scope of its own, as with a server of Node's: what one enters into an
      // AsyncLocalStorage (who the user is, say) must not be there for the next exchange that came
      // in the same message.
      const scope = new AsyncResource("ServeHTTPExchange");
      const span = this.#span;
      const result: unknown =
        span === undefined
          ? scope.runInAsyncScope(this.#handler, undefined, request, response)
          : scope.runInAsyncScope(() => span.run(this.#handler, request, response));
      if (isThenable(result)) {
        result.then(
          (value) => this.#returned(value, request, response),
          (thrown: unknown) => this.#threw(thrown, request, response),
        );
      } else {
        this.#returned(result, request, response);
      }
    } catch (thrown) {
      this.#threw(thrown, request, response);
    }
  }

  #returned(result: unknown, request: RequestReader, response: ResponseSender): void {
    if (!response.committed && isMeantAsAnswer(result)) {
      this.#threw(unusedResult(result), request, response);
      return;
    }
    if (!response.isSettled) {
      void response.end();
    }
    response.tunnel?.handlerReturned();
    this.#leave();
  }

  #threw(thrown: unknown, request: RequestReader, response: ResponseSender): void {
    const error = new ServeHTTPError("handler-failed", "the handler failed", { cause: thrown });
    if (isBecauseOf(thrown, this.#abortReason ?? response.failure)) {
      this.#leave();
      return;
    }
    this.#leave(thrown ?? error);
    if (this.#abortReason === undefined) {
      this.#options.logger.error({ requestId: request.id, err: thrown }, "the handler failed");
      if (!response.isSettled || response.tunnel !== undefined) {
        this.#channel.reset(error);
        response.abort(error);
        request.abort(error);
      }
    } else {
      this.#options.logger.warn(
        { requestId: request.id, err: thrown, code: this.#abortReason.code },
        "the handler failed after its exchange was given up",
      );
    }
  }

  /** @param thrown why the handler has failed; undefined where it hasn't */
  #leave(thrown?: unknown): void {
    if (this.#handlerState === "running") {
      this.#handlerState = "over";
      this.#options.running.leave();
      if (this.#span !== undefined && this.#response !== undefined) {
        endSpan(this.#span, this.#response, thrown);
      }
    }
  }
}

/** Ends the span with the handler, or with the connection that the handler has taken over. */
function endSpan(span: ServerSpan, response: ResponseSender, thrown: unknown): void {
  const { failure, tunnel } = response;
  const failed = thrown ?? (failure?.code === "handler-failed" ? failure : undefined);
  if (failed !== undefined) {
    span.failed(failed);
  }
  if (tunnel === undefined || tunnel.destroyed) {
    span.end(response.status ?? (failed === undefined ? undefined : 500));
  } else {
    tunnel.once("close", () => span.end(response.status));
  }
}

/**
 * A Response, a text, an object to be sent as JSON. Booleans and numbers come out of short arrow
 * functions by chance.
 */
function isMeantAsAnswer(result: unknown): boolean {
  return (typeof result === "object" && result !== null) || typeof result === "string";
}

/** The client would get an empty 200, and the author would look for the body in vain. */
function unusedResult(result: unknown): ServeHTTPError {
  return new ServeHTTPError(
    "handler-failed",
    `serveHTTP returned ${kindOf(result)} and wrote nothing: write to its second argument, the response; ` +
      "a handler that returns a Response has the style { fetch(request) }",
  );
}

/**
 * What a value is, in words: its class where it has one. Looking at somebody else's object may
 * throw.
 */
function kindOf(value: unknown): string {
  try {
    return value instanceof Object ? `a ${value.constructor.name}` : `a ${typeof value}`;
  } catch {
    return `a ${typeof value}`;
  }
}

/** Whether a handler threw because its exchange was given up, as it should. */
function isBecauseOf(thrown: unknown, reason: ServeHTTPError | undefined): boolean {
  if (reason === undefined || thrown === reason) {
    return reason !== undefined;
  }
  try {
    return thrown instanceof Error && (thrown.cause === reason || thrown.name === "AbortError");
  } catch {
    // Looking at somebody else's object may throw.
    return false;
  }
}
