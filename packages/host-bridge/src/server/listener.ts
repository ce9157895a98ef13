import type { ServeHTTPError } from "@servehttp/contract";
import { admit, type AdmissionOptions, answer, answerFailure } from "./admit.js";
import type { HostRequest, HostResponse, RequestEntry } from "../client/incoming-request.js";
import type { ExchangePlugin } from "../exchange/exchange.js";
import { refusalProxyError } from "../exchange/failure.js";
import type { FastPathRequest } from "../fast-path/request.js";
import { NodeIncomingRequest } from "../node/request.js";
import { type RouteRules, routeTarget } from "../edge/router.js";

/** What a request of a plugin's finds behind its id. */
export type Destination =
  | { readonly kind: "exchange"; readonly plugin: ExchangePlugin }
  | {
      readonly kind: "handler";
      readonly handler: (request: HostRequest, response: HostResponse) => unknown;
    }
  | { readonly kind: "refused"; readonly error: ServeHTTPError }
  | { readonly kind: "not-found" };

/** What a listener is made of. */
export interface ListenerOptions extends AdmissionOptions {
  readonly rules: RouteRules;
  /** False: every plugin's path is answered with 501. */
  readonly enabled: boolean;
  readonly destination: (pluginId: string) => Destination;
}

/** Serves requests; `next` is called for those that are none of ours. */
export type Listener = (
  request: HostRequest,
  response: HostResponse,
  next: (() => void) | undefined,
  entry: RequestEntry,
) => void;

/** Makes the listener of a host: from a Node request to an exchange with a plugin, or to the host's own answer. */
export function createListener(options: ListenerOptions): Listener {
  return (request, response, next, entry) => {
    const target = request.url ?? "";
    const route = routeTarget(target, request.originalUrl ?? target, options.rules);
    if (route === undefined && next !== undefined) {
      next();
      return;
    }
    const incoming = new NodeIncomingRequest(request, response, entry);
    if (route === undefined) {
      refuse(incoming, 404);
      return;
    }
    if (route.kind === "refusal") {
      refuse(incoming, route.status);
      return;
    }
    if (!options.enabled) {
      refuse(incoming, 501);
      return;
    }
    const destination = options.destination(route.pluginId);
    switch (destination.kind) {
      case "exchange": {
        const refused = admit(options, incoming, route, destination.plugin);
        if (refused !== undefined) {
          refuse(incoming, refused.status);
        }
        return;
      }
      case "handler":
        if (entry.event === "checkContinue") {
          // Node would have sent it, had nobody listened to `checkContinue`.
          response.writeContinue();
        }
        destination.handler(request, response);
        return;
      case "refused":
        answerFailure(incoming, destination.error);
        return;
      case "not-found":
        refuse(incoming, 404);
    }
  };
}

/**
 * Makes what serves plain requests that a fast path has read. False, with nothing done, for every request that does not become an
 * exchange with a plugin: Node's server reads it again then, and the listener answers.
 */
export function createPlainListener(
  options: ListenerOptions,
): (incoming: FastPathRequest) => boolean {
  return (incoming) => {
    const { target } = incoming;
    const route = routeTarget(target, target, options.rules);
    if (route?.kind !== "route" || !options.enabled) {
      return false;
    }
    const destination = options.destination(route.pluginId);
    return (
      destination.kind === "exchange" &&
      admit(options, incoming, route, destination.plugin) === undefined
    );
  };
}

function refuse(incoming: NodeIncomingRequest, status: number): void {
  answer(incoming, status, refusalProxyError(status));
}
