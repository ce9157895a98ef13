import type { RequestEntry } from "../client/incoming-request.js";
import type { HostRequest, HostResponse } from "../client/node-types.js";
import type { Refusal } from "../edge/refusal.js";
import type { Route, RouteRules } from "../routing/route.js";
import { routeTarget } from "../routing/router.js";
import { refusalProxyError } from "../exchange/failure.js";
import type { PlainHead } from "../fast-path/plain-head.js";
import type { FastPathRequest } from "../fast-path/request.js";
import { NodeIncomingRequest } from "../node/request.js";
import type { RequestOutcome } from "../observation/outcome.js";
import type { WatchedRequest } from "../observation/watched-request.js";
import { stripQueryParameters } from "../syntax/strip-query-parameters.js";
import { admit, type AdmissionOptions, answerRefused } from "./admit.js";
import { answer } from "./answer.js";
import { failRequest } from "./host-fault.js";
import { serveInProcess } from "./serve-in-process.js";

/** What a listener is made of. */
export interface ListenerOptions extends AdmissionOptions {
  /** False: every plugin's path is answered with 501. */
  readonly enabled: boolean;
  /**
   * Called for a request that is answered because it can't be passed on to any plugin. It must not
   * throw.
   *
   * @param pluginId empty where the path names none
   */
  readonly onBadRequest: (pluginId: string, refusal: Refusal) => void;
}

/** Serves a request. Calls `next` for a request that is not for a plugin. */
export type Listener = (
  request: HostRequest,
  response: HostResponse,
  next: (() => void) | undefined,
  entry: RequestEntry,
) => void;

/**
 * Makes the listener of a host: from a Node request to an exchange with a plugin, or to the host's
 * own answer. It throws nothing but what `next` throws, which is the application's own affair.
 */
export function createListener(options: ListenerOptions): Listener {
  return (message, response, next, entry) => {
    const target = message.url ?? "";
    const originalTarget = message.originalUrl ?? target;
    const route = routeTarget(target, originalTarget, options.rules, message.rawHeaders);
    if (route === undefined && next !== undefined) {
      next();
      return;
    }
    const request = new NodeIncomingRequest(message, response, entry);
    try {
      serve(options, route, request, response);
    } catch (error) {
      const plugin = route?.kind === "route" ? route.pluginId : "";
      const fault = { message: "middleware failed around an answer", plugin, requestId: undefined };
      failRequest(request, options.onHostFault, fault, error);
    }
  };
}

function serve(
  options: ListenerOptions,
  route: Route | Refusal | undefined,
  request: NodeIncomingRequest,
  response: HostResponse,
): void {
  const { observers } = options;
  if (route?.kind !== "route") {
    if (route !== undefined) {
      options.onBadRequest("", route);
    }
    const { url = "", originalUrl = url } = request.message;
    const target = stripQueryParameters(originalUrl, options.rules.secretParameters);
    const observed = observers?.begin(request, target);
    if (route === undefined) {
      refuse(request, 404, observed);
    } else {
      refuse(request, route.status, observed, "bad-request");
    }
    return;
  }
  const { pluginId, requestUri } = route;
  if (!options.enabled) {
    refuse(request, 501, observers?.begin(request, requestUri));
    return;
  }
  if (options.pages?.isFor(route) === true) {
    options.pages.serve(request, route);
    return;
  }
  const destination = options.destination(pluginId, request.rawHeaders);
  switch (destination.kind) {
    case "exchange":
    case "wait": {
      const refused = admit(options, request, route, destination);
      if (refused !== undefined) {
        options.onBadRequest(pluginId, refused);
        const observed = observers?.begin(request, requestUri, pluginId);
        refuse(request, refused.status, observed, "bad-request");
      }
      return;
    }
    case "handler": {
      const { handler } = destination;
      const observed = observers?.begin(request, requestUri, pluginId);
      serveInProcess(handler, request, response, pluginId, options.onHostFault, observed);
      return;
    }
    case "refused":
      answerRefused(options, request, route, destination.error, destination.retryAfterSeconds);
      return;
    case "not-found":
      refuse(request, 404, observers?.begin(request, requestUri));
  }
}

/**
 * Makes the function that serves plain requests of the fast path. It returns false, with nothing
 * done, for every request that does not become an exchange with a plugin: Node's server reads that
 * request again, and the listener answers it.
 */
export function createPlainListener(
  options: ListenerOptions,
): (request: FastPathRequest) => boolean {
  return (request) => {
    const route = routePlain(request.head, options.rules);
    if (route?.kind !== "route" || !options.enabled || options.pages?.isFor(route) === true) {
      return false;
    }
    const destination = options.destination(route.pluginId, request.rawHeaders);
    return (
      destination.kind === "exchange" && admit(options, request, route, destination) === undefined
    );
  };
}

/** Where a plain request goes. A client that repeats its request has it where it was before. */
function routePlain(head: PlainHead, rules: RouteRules): Route | Refusal | undefined {
  const { version } = rules.mounts;
  if (head.routedBy !== version) {
    head.routed = routeTarget(head.target, head.target, rules, head.rawHeaders);
    head.routedBy = version;
  }
  return head.routed as Route | Refusal | undefined;
}

function refuse(
  request: NodeIncomingRequest,
  status: number,
  observed: WatchedRequest | undefined,
  outcome: RequestOutcome = "answered-by-host",
): void {
  answer(request, status, refusalProxyError(status), undefined, observed);
  observed?.answered(outcome);
}
