import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import { type RequestInit, ServeHTTPError } from "@servehttp/contract";
import type { Caller } from "./caller.js";
import type { EdgePolicy, IdentityFields, RequestFields } from "./edge-policy.js";
import { Exchange, type ExchangePlugin } from "./exchange.js";
import { ExtendedConnectCaller } from "./extended-connect-caller.js";
import { failures, refusalProxyError } from "./failure.js";
import { failureResponse } from "./failure-response.js";
import { Http1Caller } from "./http1-caller.js";
import { Http2Caller } from "./http2-caller.js";
import type { RequestIds } from "./request-ids.js";
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
    | ((
        request: HostRequest,
      ) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)
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
        destination.handler(request, response);
        return;
      case "refused": {
        const failure = failures[destination.error.code];
        answer(
          request,
          response,
          failure.status ?? 503,
          failure.proxyError,
          failure.retryAfterSeconds,
        );
        return;
      }
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
  const { socket } = request;
  const versionMajor = request.httpVersionMajor;
  const scheme = "encrypted" in socket ? "https" : "http";
  const fields = options.edge.readRequest(request.rawHeaders, {
    versionMajor,
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
  const upgrades = fields.upgrade !== undefined || entry.event === "extendedConnect";
  if (upgrades && !plugin.mayTunnel) {
    const { proxyError, retryAfterSeconds } = failures.overload;
    answer(request, response, 503, proxyError, retryAfterSeconds);
    return;
  }
  const requestId = options.requestIds.next();
  if (fields.contentLength !== 0 && request.readableDidRead) {
    options.onHostError(bodyTaken, requestId, route.pluginId);
    answer(request, response, 500, failures.internal.proxyError);
    return;
  }
  const begin = (
    identity: IdentityFields | undefined,
    context: Readonly<Record<string, string>>,
  ) => {
    if (identity !== undefined) {
      options.edge.addIdentity(fields.fields, identity);
    }
    if (isGone(request, response)) {
      return;
    }
    const init = requestInit(request, route, fields, requestId, scheme, entry, plugin, context);
    exchange(options, request, response, plugin, init, entry);
  };
  const fail = (error: unknown) => {
    options.onHostError(error, requestId, route.pluginId);
    answer(request, response, 500, failures.internal.proxyError);
  };
  try {
    const identity = options.identity?.(request);
    const context = options.context?.(request) ?? noContext;
    if (identity instanceof Promise || context instanceof Promise) {
      Promise.all([identity, context])
        .then(([known, facts]) => begin(known, facts))
        .catch(fail);
    } else {
      begin(identity, context);
    }
  } catch (error) {
    fail(error);
  }
}

const bodyTaken = new ServeHTTPError(
  "invalid-argument",
  "something in front of the plugin host has read the request's body; put body parsers behind it",
);

const noContext: Readonly<Record<string, string>> = Object.freeze({});

function requestInit(
  request: HostRequest,
  route: Route,
  fields: RequestFields,
  requestId: string,
  scheme: "http" | "https",
  entry: RequestEntry,
  plugin: ExchangePlugin,
  context: Readonly<Record<string, string>>,
): RequestInit {
  const { totalMs } = plugin.times;
  const { event } = entry;
  if (event === "extendedConnect") {
    pushUpgrade(fields.fields, String(request.headers[":protocol"]));
  }
  return {
    method: event === "extendedConnect" ? "GET" : (request.method ?? "GET"),
    url: route.url,
    requestUri: route.requestUri,
    protocol: protocolOf(request),
    protocolMajor: request.httpVersionMajor,
    protocolMinor: request.httpVersionMinor,
    host: fields.host,
    remoteAddress: remoteAddress(request.socket),
    headers: fields.fields,
    contentLength: event === "extendedConnect" ? 0 : fields.contentLength,
    deadlineUnixMs: totalMs === 0 ? 0 : Date.now() + totalMs,
    requestId,
    context,
    scheme,
    // Without `checkContinue` Node has sent the 100 itself.
    expectContinue: fields.expectContinue && event === "checkContinue",
    hijackable:
      event === "extendedConnect" ||
      (request.httpVersionMajor === 1 && fields.contentLength === 0 && plugin.mayTunnel),
    ...(event === "upgrade" && entry.head.length > 0 ? { tunnelHead: entry.head } : undefined),
  };
}

/** The HTTP/1 upgrade that an extended CONNECT stands for (RFC 8441, section 5). */
function pushUpgrade(fields: string[], protocol: string): void {
  fields.push("Connection", "Upgrade", "Upgrade", protocol);
  fields.push("Sec-WebSocket-Key", randomBytes(16).toString("base64"));
}

function exchange(
  options: ListenerOptions,
  request: HostRequest,
  response: HostResponse,
  plugin: ExchangePlugin,
  init: RequestInit,
  entry: RequestEntry,
): void {
  try {
    const running = new Exchange(plugin, {
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
    response.once("close", () => running.callerClosed());
  } catch (error) {
    // The connection to the plugin is gone and its state does not say so yet.
    const failure = failures[ServeHTTPError.from(error).code];
    answer(request, response, failure.status ?? 502, failure.proxyError, failure.retryAfterSeconds);
  }
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

/** Whether the caller left. The response that Node makes beside an HTTP/2 stream has no `destroyed`. */
function isGone(request: HostRequest, response: HostResponse): boolean {
  return "stream" in request ? request.stream.destroyed : response.destroyed;
}

function protocolOf(request: HostRequest): string {
  if (request.httpVersionMajor === 2) {
    return "HTTP/2.0";
  }
  return request.httpVersionMinor === 0 ? "HTTP/1.0" : "HTTP/1.1";
}

function remoteAddress(socket: Socket): string {
  const { remoteAddress, remotePort: port } = socket;
  if (remoteAddress === undefined) {
    return "";
  }
  // What a socket for both versions of IP shows of an IPv4 caller.
  const ip = remoteAddress.startsWith("::ffff:") ? remoteAddress.slice(7) : remoteAddress;
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}
