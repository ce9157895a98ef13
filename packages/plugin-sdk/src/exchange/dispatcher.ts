import { AsyncResource } from "node:async_hooks";
import {
  type ExchangeChannel,
  type PartReceiver,
  type RequestInit,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import type { Logger } from "../handler/logger.js";
import type { PluginRequest } from "../handler/plugin-request.js";
import { isThenable } from "./is-thenable.js";
import { RequestReader } from "./request-reader.js";
import { ResponseSender } from "./response-sender.js";
import type { ResponseWriter } from "../handler/response-writer.js";
import type { RunningHandlers } from "./running-handlers.js";

/**
 * Answers a request, in the style of Go's `ServeHTTP`. Returning (or resolving) ends the response, with status 200
 * where nothing was written. A connection that it took over and that nobody listens to any more ends too; one with a listener
 * of `data` or `readable` (a WebSocket, say) lives on. Throwing (or rejecting) makes the exchange fail: the client sees 500 before the head is
 * committed and a broken transfer after it, never what was thrown.
 */
export type ServeHTTP = (request: PluginRequest, response: ResponseWriter) => void | Promise<void>;

/** What an exchange shares with the others of its plugin. */
export interface DispatchOptions {
  readonly logger: Logger;
  readonly running: RunningHandlers;
}

/** One exchange from its carrier to the handler and back. The handler is called when the request's head comes. */
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
    // In a tunnel the body is dropped as it comes, so that only one of the two can have to wait.
    return this.#response?.tunnel?.receive(parts) ?? taken;
  }

  abort(error: ServeHTTPError): void {
    this.#abortReason = error;
    this.#response?.abort(error);
    this.#request?.abort(error);
    this.#leave();
  }

  #start(init: RequestInit, parts: RequestParts): void | Promise<void> {
    const request = new RequestReader(
      init,
      init.expectContinue ? () => response.askForBody() : undefined,
    );
    const response = new ResponseSender(this.#channel, init, request, this.#options.logger);
    this.#request = request;
    this.#response = response;
    // Before the handler runs, so that it finds a body that came along.
    const taken = request.receive(parts);
    this.#handlerState = "running";
    this.#options.running.enter();
    this.#run(request, response);
    return taken;
  }

  #run(request: RequestReader, response: ResponseSender): void {
    try {
      // A scope for each, as Node's server has it: what a handler enters into an AsyncLocalStorage (who the user is,
      // say) must not be there when the next exchange of the same message begins.
      const scope = new AsyncResource("ServeHTTPExchange");
      const result = scope.runInAsyncScope(this.#handler, undefined, request, response);
      if (isThenable(result)) {
        result.then(
          () => this.#returned(response),
          (thrown: unknown) => this.#threw(thrown, request, response),
        );
      } else {
        this.#returned(response);
      }
    } catch (thrown) {
      this.#threw(thrown, request, response);
    }
  }

  #returned(response: ResponseSender): void {
    if (!response.isSettled) {
      void response.end();
    }
    response.tunnel?.handlerReturned();
    this.#leave();
  }

  #threw(thrown: unknown, request: RequestReader, response: ResponseSender): void {
    this.#leave();
    const error = new ServeHTTPError("handler-failed", "the handler failed", { cause: thrown });
    if (isBecauseOf(thrown, this.#abortReason ?? response.failure)) {
      return;
    }
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

  #leave(): void {
    if (this.#handlerState === "running") {
      this.#handlerState = "over";
      this.#options.running.leave();
    }
  }
}

/** Whether a handler threw because its exchange was given up, as it should. */
function isBecauseOf(thrown: unknown, reason: ServeHTTPError | undefined): boolean {
  if (reason === undefined) {
    return false;
  }
  return (
    thrown === reason ||
    (thrown instanceof Error && (thrown.cause === reason || thrown.name === "AbortError"))
  );
}
