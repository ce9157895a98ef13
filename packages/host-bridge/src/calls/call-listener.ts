import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "@servehttp/contract";
import type { RequestEntry } from "../client/incoming-request.js";
import type { Refusal } from "../edge/refusal.js";
import { refusalProxyError } from "../exchange/failure.js";
import { callDepthMax, callsMax } from "../limits.js";
import { NodeIncomingRequest } from "../node/request.js";
import type { Route, RouteRules } from "../routing/route.js";
import { routeTarget } from "../routing/router.js";
import { admit, answerRefused } from "../server/admit.js";
import { answer } from "../server/answer.js";
import { failRequest } from "../server/host-fault.js";
import type { ListenerOptions } from "../server/listener.js";
import { CallRequest } from "./call-request.js";
import type { Caller, Callers } from "./callers.js";
import type { CallingExchange } from "./calling-exchange.js";
import { refuseCall } from "./refuse-call.js";

/** What the listener for calls is made of. */
export interface CallListenerOptions extends Omit<ListenerOptions, "enabled"> {
  readonly callers: Callers;
  /** Whether it is settled before any request which fields `identity` may set. */
  readonly identityHeadersNamed: boolean;
  readonly logger: Required<Logger>;
  /**
   * Looks for an exchange of a plugin in other processes; undefined where there are none. Never
   * rejects. Default: there are none.
   */
  readonly findElsewhere?: (
    pluginId: string,
    exchangeId: string,
  ) => Promise<CallingExchange | undefined> | undefined;
}

/** Serves one call of a plugin. */
export type CallListener = (
  message: IncomingMessage,
  response: ServerResponse,
  entry: RequestEntry,
) => void;

/**
 * Makes the listener for the calls of plugins (plugin.proto, "Calls"): who calls, whether it may,
 * and then the way of every other request.
 */
export function createCallListener(options: CallListenerOptions): CallListener {
  return (message, response, entry) => {
    const onThrown = (thrown: unknown): void => {
      const fault = { message: "a call failed", plugin: "", requestId: undefined };
      const request = new NodeIncomingRequest(message, response, entry);
      failRequest(request, options.onHostFault, fault, thrown);
    };
    try {
      serveCall(options, message, response, entry)?.catch(onThrown);
    } catch (thrown) {
      onThrown(thrown);
    }
  };
}

/** Finds out who calls within which exchange. Returns a promise where it has to look elsewhere. */
function serveCall(
  options: CallListenerOptions,
  message: IncomingMessage,
  response: ServerResponse,
  entry: RequestEntry,
): Promise<void> | undefined {
  const refuse = (status: number, why: string) =>
    refuseCall(new NodeIncomingRequest(message, response, entry), status, why);
  const caller = options.callers.callerOf(fieldOf(message, "servehttp-token") ?? "");
  if (caller === undefined) {
    refuse(401, "the token is unknown: a call needs the one of SERVEHTTP_CALLS_TOKEN");
    return undefined;
  }
  const exchangeId = fieldOf(message, "servehttp-exchange");
  const serve = (within: CallingExchange | undefined): void => {
    if (exchangeId !== undefined && within === undefined) {
      refuse(409, exchangeOver);
    } else {
      serveWithin(options, caller, within, message, response, entry);
    }
  };
  const within = exchangeId === undefined ? undefined : caller.plugin.exchanges.get(exchangeId);
  const found =
    exchangeId === undefined || within !== undefined
      ? undefined
      : options.findElsewhere?.(caller.plugin.id, exchangeId);
  if (found === undefined) {
    serve(within);
    return undefined;
  }
  return found.then((one) => {
    // Nobody waits any more for what is asked on a connection that is gone.
    if (!response.destroyed) {
      serve(one);
    }
  });
}

function serveWithin(
  options: CallListenerOptions,
  caller: Caller,
  within: CallingExchange | undefined,
  message: IncomingMessage,
  response: ServerResponse,
  entry: RequestEntry,
): void {
  const { rules } = options;
  const refuse = (status: number, why: string) =>
    refuseCall(new NodeIncomingRequest(message, response, entry), status, why);
  const route = routeOf(message, rules);
  if (route?.kind !== "route") {
    refuse(404, "the path of a call is /, the id of a plugin, and the path for it");
    return;
  }
  const forbidden = whyForbidden(options, caller, within, route.pluginId);
  if (forbidden !== undefined) {
    refuse(403, forbidden);
    return;
  }
  const request = new CallRequest(message, response, entry, caller, within);
  if (request.call.depth > callDepthMax) {
    const details = { plugin: route.pluginId, calledBy: caller.plugin.id, depth: callDepthMax };
    options.logger.warn(
      details,
      "plugins call each other in a loop; the next call is answered 508",
    );
    answer(request, 508, refusalProxyError(508));
    return;
  }
  if (caller.plugin.calls >= callsMax) {
    answer(request, 503, "connection_limit_reached", 1);
    return;
  }
  count(caller, within, request, response);
  proceed(options, request, route, within);
}

/**
 * Routes a call as if a client had asked by the path, so that a plugin sees the same of both. The
 * plugin has no other say in it, by a host name for instance.
 */
function routeOf(message: IncomingMessage, rules: RouteRules): Route | Refusal | undefined {
  const { url = "" } = message;
  if (!url.startsWith("/")) {
    return undefined;
  }
  message.url = rules.mounts.prefix + url;
  return routeTarget(message.url, message.url, rules, []);
}

function whyForbidden(
  options: CallListenerOptions,
  { plugin, mayCall }: Caller,
  within: CallingExchange | undefined,
  id: string,
): string | undefined {
  if (!mayCall.has(id)) {
    return `plugin "${plugin.id}" may not call plugin "${id}": add "${id}" to mayCall of plugin "${plugin.id}" in the host's options`;
  }
  if (within === undefined && options.identity !== undefined && !options.identityHeadersNamed) {
    return "calls outside of an exchange need edge.identityHeaders in the host's options: which fields no plugin may set must be known before identity has named them";
  }
  return undefined;
}

/** Keeps a call where it is found when its exchange ends, until its response is closed. */
function count(
  { plugin }: Caller,
  within: CallingExchange | undefined,
  request: CallRequest,
  response: ServerResponse,
): void {
  const leave = within?.add(request);
  plugin.calls += 1;
  response.once("close", () => {
    plugin.calls -= 1;
    leave?.();
  });
}

function proceed(
  options: CallListenerOptions,
  request: CallRequest,
  route: Route,
  within: CallingExchange | undefined,
): void {
  const destination = options.destination(route.pluginId, request.rawHeaders);
  switch (destination.kind) {
    case "exchange":
    case "wait": {
      const admission = {
        ...options,
        identity: () => within?.identity ?? {},
        context: () => within?.init.context ?? {},
      };
      const refused = admit(admission, request, route, destination);
      if (refused !== undefined) {
        options.onBadRequest(route.pluginId, refused);
        const { status } = refused;
        const observed = options.observers?.begin(request, route.requestUri, route.pluginId);
        answer(request, status, refusalProxyError(status), undefined, observed);
        observed?.answered("bad-request");
      }
      return;
    }
    case "refused":
      answerRefused(options, request, route, destination.error, destination.retryAfterSeconds);
      return;
    case "handler":
      // It may rely on the application's middleware in front of it, which a call would pass by.
      refuseCall(
        request,
        501,
        `plugin "${route.pluginId}" is a handler in the host's own process, which calls don't reach`,
      );
      return;
    case "not-found":
      refuseCall(
        request,
        404,
        `the host has no plugin "${route.pluginId}" that serves HTTP: look at the plugins in its options`,
      );
  }
}

const exchangeOver =
  "the exchange is over within which the call was made, or it is another plugin's: for work that goes on after the response, call by the plugins of what servePlugin has returned";

function fieldOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}
