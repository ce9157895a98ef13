import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import { ServeHTTPError } from "@servehttp/contract";
import type { Caller } from "./caller.js";
import { checkContext, noContext, type RequestContext } from "./check-context.js";
import type { EdgePolicy, IdentityFields, RequestFields } from "./edge-policy.js";
import { Exchange, type ExchangePlugin } from "./exchange.js";
import { ExtendedConnectCaller } from "./extended-connect-caller.js";
import { failures, refusalProxyError } from "./failure.js";
import { failureResponse } from "./failure-response.js";
import { Http1Caller } from "./http1-caller.js";
import { Http2Caller } from "./http2-caller.js";
import type { RequestIds } from "./request-ids.js";
import { connectProtocol, requestInit } from "./request-init.js";
import { type Route, type RouteRules, routeTarget } from "./router.js";

/** The request of any Node server; Express and Connect add `originalUrl`. */
export type HostRequest = (IncomingMessage | Http2ServerRequest) & { originalUrl?: string };

/** The response of any Node server. */
export type HostResponse = ServerResponse | Http2ServerResponse;

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
export interface ListenerOptions {
  readonly rules: RouteRules;
  readonly edge: EdgePolicy;
  /** False: every plugin's path is answered with 501. */
  readonly enabled: boolean;
  readonly destination: (pluginId: string) => Destination;
  readonly identity:
    | ((request: HostRequest) => IdentityFields | Promise<IdentityFields>)
    | undefined;
  readonly context:
    | ((request: HostRequest) => RequestContext | Promise<RequestContext>)
    | undefined;
  readonly requestIds: RequestIds;
  /** Called where the host itself is at fault: `identity` or `context` threw. */
  readonly onHostError: (error: unknown, requestId: string, pluginId: string) => void;
}

/** By which event of a server a request came. `head` is what the caller has sent behind an upgrade request. */
export type RequestEntry =
  | { readonly event: "request" | "checkContinue" | "extendedConnect" }
  | { readonly event: "upgrade"; readonly head: Buffer };

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
    if (route === undefined) {
      if (next === undefined) {
        answer(request, response, 404, refusalProxyError(404));
      } else {
        next();
      }
      return;
    }
    if (route.kind === "refusal") {
      answer(request, response, route.status, refusalProxyError(route.status));
      return;
    }
    if (!options.enabled) {
      answer(request, response, 501, refusalProxyError(501));
      return;
    }
    const destination = options.destination(route.pluginId);
    switch (destination.kind) {
      case "exchange":
        admit(options, request, response, route, destination.plugin, entry);
        return;
      case "handler":
        if (entry.event === "checkContinue") {
          // Node would have sent it, had nobody listened to `checkContinue`.
          response.writeContinue();
        }
        destination.handler(request, response);
        return;
      case "refused":
        answerFailure(request, response, destination.error);
        return;
      case "not-found":
        answer(request, response, 404, refusalProxyError(404));
    }
  };
}

/** Lets a request through the edge, and waits for what the host's own functions say of it, where they are not at once. */
function admit(
  options: ListenerOptions,
  request: HostRequest,
  response: HostResponse,
  route: Route,
  plugin: ExchangePlugin,
  entry: RequestEntry,
): void {
  const { edge } = options;
  const { socket } = request;
  const scheme = "encrypted" in socket ? "https" : "http";
  const fields = edge.readRequest(request.rawHeaders, {
    versionMajor: request.httpVersionMajor,
    versionMinor: request.httpVersionMinor,
    remoteIp: socket.remoteAddress ?? "",
    scheme,
    authority: route.authority,
    endedByHead: "stream" in request && request.stream.endAfterHeaders,
    upgradable: entry.event === "upgrade",
  });
  if (fields.kind === "refusal") {
    answer(request, response, fields.status, refusalProxyError(fields.status));
    return;
  }
  if (entry.event === "upgrade" && fields.contentLength !== 0) {
    // What follows the head is the new protocol's; a body would be taken for it.
    answer(request, response, 400, refusalProxyError(400));
    return;
  }
  if (entry.event === "extendedConnect" && !edge.mayUpgrade(connectProtocol(request))) {
    // RFC 9220, section 3: a protocol that the server does not speak.
    answer(request, response, 501, refusalProxyError(501));
    return;
  }
  const requestId = options.requestIds.next();
  const admitted: Admitted = { request, response, route, entry, scheme, fields, requestId };
  if (fields.contentLength !== 0 && request.readableDidRead) {
    failHost(options, admitted, bodyTaken);
    return;
  }
  try {
    const identity = options.identity?.(request);
    const context = options.context?.(request) ?? noContext;
    if (isThenable(identity) || isThenable(context)) {
      Promise.all([identity, context])
        .then(([known, facts]) => beginLater(options, admitted, known, facts ?? noContext))
        .catch((error: unknown) => failHost(options, admitted, error));
    } else {
      begin(options, admitted, plugin, identity, context);
    }
  } catch (error) {
    failHost(options, admitted, error);
  }
}

/** A request that has passed the edge. */
interface Admitted {
  readonly request: HostRequest;
  readonly response: HostResponse;
  readonly route: Route;
  readonly entry: RequestEntry;
  readonly scheme: "http" | "https";
  readonly fields: RequestFields;
  readonly requestId: string;
}

/** Looks again where the request goes: the instance that was chosen may be gone by now, or busy. */
function beginLater(
  options: ListenerOptions,
  admitted: Admitted,
  identity: IdentityFields | undefined,
  context: RequestContext,
): void {
  const destination = options.destination(admitted.route.pluginId);
  if (destination.kind === "exchange") {
    begin(options, admitted, destination.plugin, identity, context);
  } else if (destination.kind === "refused") {
    answerFailure(admitted.request, admitted.response, destination.error);
  } else {
    answer(admitted.request, admitted.response, 404, refusalProxyError(404));
  }
}

function begin(
  options: ListenerOptions,
  admitted: Admitted,
  plugin: ExchangePlugin,
  identity: IdentityFields | undefined,
  context: RequestContext,
): void {
  const { entry, fields, request, requestId, response, route, scheme } = admitted;
  if (identity !== undefined) {
    options.edge.addIdentity(fields.fields, identity);
  }
  checkContext(context);
  if (isGone(request, response)) {
    return;
  }
  const upgrades = fields.upgrade !== undefined || entry.event === "extendedConnect";
  if (upgrades && !plugin.mayTunnel) {
    answerFailure(request, response, tooManyTunnels);
    return;
  }
  const init = requestInit(request, route, fields, requestId, scheme, entry, plugin, context);
  let running: Exchange;
  try {
    running = new Exchange(plugin, {
      request,
      caller: callerOf(request, response, entry, init.expectContinue),
      init,
      hasBody: init.contentLength !== 0,
      rules: {
        method: init.method,
        versionMajor: init.protocolMajor,
        versionMinor: init.protocolMinor,
        policy: options.edge,
      },
      edge: options.edge,
    });
  } catch (error) {
    // The connection to the plugin is gone and its state does not say so yet.
    answerFailure(request, response, ServeHTTPError.from(error));
    return;
  }
  response.on("close", () => running.callerClosed());
}

const bodyTaken = new ServeHTTPError(
  "invalid-argument",
  "something in front of the plugin host has read the request's body; put body parsers behind it",
);

const tooManyTunnels = new ServeHTTPError("overload", "too many tunnels at once");

/** `identity` or `context` threw, or gave what can't be passed on. */
function failHost(options: ListenerOptions, admitted: Admitted, error: unknown): void {
  options.onHostError(error, admitted.requestId, admitted.route.pluginId);
  answer(admitted.request, admitted.response, 500, failures.internal.proxyError);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value
    ? typeof value.then === "function"
    : false;
}

function callerOf(
  request: HostRequest,
  response: HostResponse,
  entry: RequestEntry | undefined,
  awaitsContinue: boolean,
): Caller {
  if (!("stream" in request)) {
    return new Http1Caller(request, response as ServerResponse, awaitsContinue);
  }
  const beside = response as Http2ServerResponse;
  return entry?.event === "extendedConnect"
    ? new ExtendedConnectCaller(request, beside)
    : new Http2Caller(request, beside, awaitsContinue);
}

/** Answers in the plugin's place, before there is an exchange. */
function answer(
  request: HostRequest,
  response: HostResponse,
  status: number,
  proxyError: string,
  retryAfterSeconds?: number,
): void {
  if (isGone(request, response)) {
    return;
  }
  const caller = callerOf(request, response, undefined, false);
  const { head, body } = failureResponse(
    {
      status,
      proxyError,
      ...(retryAfterSeconds === undefined ? undefined : { retryAfterSeconds }),
    },
    request.method === "HEAD",
  );
  caller.respond(head, body, []);
  if (!request.complete) {
    caller.refuseRest();
  }
}

function answerFailure(request: HostRequest, response: HostResponse, error: ServeHTTPError): void {
  const { proxyError, retryAfterSeconds, status = 503 } = failures[error.code];
  answer(request, response, status, proxyError, retryAfterSeconds);
}

/**
 * Whether nobody waits for an answer any more: the caller left, or the host's own middleware has answered. The response that Node
 * makes beside an HTTP/2 stream has no `destroyed`.
 */
function isGone(request: HostRequest, response: HostResponse): boolean {
  return (
    response.headersSent ||
    ("stream" in request
      ? request.stream.destroyed
      : response.destroyed || request.socket.destroyed)
  );
}
