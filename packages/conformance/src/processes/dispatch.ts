import { keyOf, type NamedHandler } from "../behaviour.js";
import { describeRequest } from "../describe-request.js";
import type { Handler, HandlerRequest, HandlerResponse } from "../handler.js";
import type { Observer } from "../observation/observer.js";

/**
 * A handler that calls the one of that name for `/case/{name}/{exchange}`, and describes all other
 * requests.
 * What a handler throws is reported as the event "threw" and thrown on.
 */
export function dispatchTo(
  named: readonly NamedHandler[],
  observer: Observer,
): (request: HandlerRequest, response: HandlerResponse) => Promise<void> {
  const handlers = new Map<string, Handler>();
  for (const one of named) {
    if (one.handler !== undefined) {
      handlers.set(keyOf(one), one.handler);
    }
  }
  return async (request, response) => {
    const [, , name = "", exchange = ""] =
      /^\/(case)\/([a-z0-9-]+)\/([a-z0-9-]+)/.exec(request.url) ?? [];
    const handler = handlers.get(name) ?? describeRequest;
    observer.tally.exchanges += 1;
    observer.tally.running += 1;
    try {
      await handler(request, response, {
        event: (event, detail) => observer.event(exchange, event, detail),
        gate: (gate) => observer.gate(exchange, gate),
      });
      observer.event(exchange, "returned");
    } catch (error) {
      observer.event(exchange, "threw", error instanceof Error ? error.message : String(error));
      throw error;
    } finally {
      observer.tally.running -= 1;
    }
  };
}
