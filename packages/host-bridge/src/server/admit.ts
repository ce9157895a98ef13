import { isThenable, memoOf, type RequestInit, ServeHTTPError } from "@servehttp/contract";
import { HeldBody } from "../client/held-body.js";
import type { IncomingRequest } from "../client/incoming-request.js";
import type { HostRequest } from "../client/node-types.js";
import type { DevelopmentPages } from "../development/development-pages.js";
import type { EdgePolicy } from "../edge/edge-policy.js";
import type { IdentityFields } from "../edge/read-identity.js";
import { type Refusal, refusal } from "../edge/refusal.js";
import type { RequestClient } from "../edge/request-client.js";
import type { RequestFields } from "../edge/request-fields.js";
import type { RedirectRules } from "../edge/rewrite-redirects.js";
import type { Destination } from "../exchange/destination.js";
import { Exchange, type ExchangePlugin, type OnExchangeOver } from "../exchange/exchange.js";
import { failureOf, failures, refusalProxyError } from "../exchange/failure.js";
import { hostFunctionMsMax } from "../limits.js";
import type { WatchedRequest } from "../observation/watched-request.js";
import type { RequestObservers } from "../observation/request-observers.js";
import type { Route, RouteRules } from "../routing/route.js";
import { answer, answerFailure, openAnswer } from "./answer.js";
import { answerResponse, isResponse } from "./application-response.js";
import { failRequest, type OnHostFault } from "./host-fault.js";
import { inTime } from "./in-time.js";
import { noContext, readContext, type RequestContext } from "./read-context.js";
import { redirectToSlash, wantsSlash } from "./redirect-to-slash.js";
import type { RequestIds } from "./request-ids.js";
import { requestInit } from "./request-init.js";

/** What decides how requests are let through. */
export interface AdmissionOptions {
  readonly rules: RouteRules;
  readonly edge: EdgePolicy;
  /** Where a request with these header fields goes. */
  readonly destination: (pluginId: string, rawHeaders: readonly string[]) => Destination;
  readonly identity:
    | ((
        request: HostRequest,
        client: RequestClient,
      ) => IdentityFields | Response | Promise<IdentityFields | Response>)
    | undefined;
  readonly context:
    | ((request: HostRequest, client: RequestClient) => RequestContext | Promise<RequestContext>)
    | undefined;
  readonly requestIds: RequestIds;
  readonly onHostFault: OnHostFault;
  /** Called for a request that is answered because its plugin can't have it. It must not throw. */
  readonly onRefused: (pluginId: string, error: ServeHTTPError) => void;
  /** There where the host shows more to whoever develops its plugins. */
  readonly pages?: DevelopmentPages | undefined;
  /** Who is told of exchanges with plugins that may call others. Default: nobody. */
  readonly callingExchanges?: CallingExchanges | undefined;
  /** Whoever watches requests. Default: nobody. */
  readonly observers?: RequestObservers | undefined;
}

/** Keeps what calls that a plugin makes within an exchange need to know of it. */
export interface CallingExchanges {
  /**
   * An exchange begins. Returns who is to be told that it is over; undefined where its plugin may
   * not call others.
   *
   * @param depth of the call that the exchange itself is; 0 where a client made the request
   */
  begin(
    pluginId: string,
    init: RequestInit,
    identity: IdentityFields | undefined,
    depth: number,
  ): OnExchangeOver | undefined;
}

/**
 * Lets a request through the edge to its plugin. Waits for `identity` and `context` where they
 * return promises. Returns why the request is refused, before anything has happened; answers later
 * failures itself.
 */
export function admit(
  options: AdmissionOptions,
  request: IncomingRequest,
  route: Route,
  destination: Destination,
): Refusal | undefined {
  const { edge } = options;
  const { event } = request.entry;
  const fields = readFields(edge, request, route, options.rules.mounts.publicPath);
  if (fields.kind === "refusal") {
    return fields;
  }
  if (event === "upgrade" && fields.contentLength !== 0) {
    return refusal(
      400,
      "a body behind an upgrade request can't be told from the new protocol's bytes",
    );
  }
  if (event === "extendedConnect" && !edge.mayUpgrade(request.connectProtocol)) {
    // RFC 9220, section 3.
    return refusal(501, "a protocol that the server does not speak");
  }
  const { pluginId, requestUri } = route;
  if (wantsSlash(request, route, fields)) {
    const observed = options.observers?.begin(request, requestUri, pluginId, fields);
    redirectToSlash(request, fields.basePath, route, observed);
    observed?.answered("answered-by-host");
    return undefined;
  }
  const requestId = options.requestIds.next();
  const observed = options.observers?.begin(request, requestUri, pluginId, fields, requestId);
  const admitted: Admitted = { request, route, fields, requestId, observed };
  if (fields.contentLength !== 0 && request.bodyTaken) {
    failHost(options, admitted, bodyTaken);
    return undefined;
  }
  let identity: Settling<IdentityFields | Response> = undefined;
  try {
    identity = options.identity?.(request.message, clientOf(fields, route));
    const context = options.context?.(request.message, clientOf(fields, route));
    if (isThenable(identity) || isThenable(context)) {
      beginLater(options, admitted, identity, context);
    } else if (isResponse(identity)) {
      refuseClient(options, admitted, identity);
    } else {
      proceed(options, admitted, destination, identity, context);
    }
  } catch (error) {
    // The promise of `identity` may still reject, which nobody waits for any more.
    void Promise.allSettled([identity]);
    failHost(options, admitted, error);
  }
  return undefined;
}

/** What was read of fields that come again and again on one connection. */
interface RememberedFields {
  readonly fields: RequestFields;
  readonly edgeVersion: number;
  readonly authority: string | undefined;
  readonly basePath: string;
}

/** Reads a request's fields, or takes what was read of the same ones before. */
function readFields(
  edge: EdgePolicy,
  request: IncomingRequest,
  { authority, basePath }: Route,
  publicPath: string,
): RequestFields | Refusal {
  const memo = memoOf(request.rawHeaders, request.fieldsMemo);
  const remembered = memo?.made as RememberedFields | undefined;
  if (
    remembered?.edgeVersion === edge.version &&
    remembered.authority === authority &&
    remembered.basePath === basePath
  ) {
    return remembered.fields;
  }
  const edgeVersion = edge.version;
  const fields = edge.readRequest(request.rawHeaders, {
    versionMajor: request.versionMajor,
    versionMinor: request.versionMinor,
    peer: request.peer,
    remoteAddress: request.remoteAddress,
    scheme: request.scheme,
    authority,
    basePath,
    publicPath,
    endedByHead: request.endedByHead,
    upgradable: request.entry.event === "upgrade",
    forwarded: request.call?.forwarded,
  });
  if (memo === undefined || fields.kind === "refusal") {
    return fields;
  }
  const kept: RequestFields = {
    ...fields,
    fieldsMemo: { of: fields.fields, made: undefined },
    lineMemo: { made: undefined },
  };
  memo.made = { fields: kept, edgeVersion, authority, basePath } satisfies RememberedFields;
  return kept;
}

/** The client as `identity` and `context` get it, each of its own. */
function clientOf({ remoteAddress, scheme }: RequestFields, { pluginId }: Route): RequestClient {
  return { remoteAddress, scheme, pluginId };
}

/** A request that has passed the edge. */
interface Admitted {
  readonly request: IncomingRequest;
  readonly route: Route;
  readonly fields: RequestFields;
  readonly requestId: string;
  /** There where it has waited. */
  readonly held?: HeldBody;
  readonly observed: WatchedRequest | undefined;
}

/** What a function of the host's own returned: a value, or a promise of one. */
type Settling<T> = T | Promise<T> | undefined;

function beginLater(
  options: AdmissionOptions,
  admitted: Admitted,
  identity: Settling<IdentityFields | Response>,
  context: Settling<RequestContext>,
): void {
  const both = Promise.all([identity, context]);
  inTime(both, hostFunctionMsMax, "identity or context")
    .then(([known, facts]) => {
      if (isResponse(known)) {
        refuseClient(options, admitted, known);
        return;
      }
      // The instance that was chosen may be gone by now, or busy.
      const { request, route } = admitted;
      const destination = options.destination(route.pluginId, request.rawHeaders);
      proceed(options, admitted, destination, known, facts);
    })
    .catch((error: unknown) => failHost(options, admitted, error));
}

/** `identity` has answered the client in the plugin's place. */
function refuseClient(options: AdmissionOptions, admitted: Admitted, response: Response): void {
  const { observed, request } = admitted;
  answerResponse(request, response, observed)
    .then(() => observed?.answered("answered-by-host"))
    .catch((error: unknown) => failHost(options, admitted, error));
}

/** Goes on with a request of which everything is known. */
function proceed(
  options: AdmissionOptions,
  admitted: Admitted,
  destination: Destination,
  identity: IdentityFields | undefined,
  context: RequestContext | undefined,
): void {
  const { observed, request } = admitted;
  switch (destination.kind) {
    case "exchange":
      begin(options, admitted, destination.plugin, identity, context);
      return;
    case "wait": {
      if (request.closed) {
        observed?.over("client-disconnected");
        return;
      }
      observed?.waits();
      const waiting = holdBody(admitted);
      let waits = true;
      const leave = destination.wait((next) => {
        waits = false;
        if (next.kind !== "exchange") {
          waiting.held?.stop();
        }
        try {
          proceed(options, waiting, next, identity, context);
        } catch (error) {
          waiting.held?.stop();
          failHost(options, waiting, error);
        }
      });
      request.onClose({
        clientClosed: () => {
          leave();
          if (waits) {
            observed?.over("client-disconnected");
          }
        },
      });
      return;
    }
    case "refused":
      answerRefused(
        options,
        request,
        admitted.route,
        destination.error,
        destination.retryAfterSeconds,
        observed,
      );
      return;
    default:
      answer(request, 404, refusalProxyError(404), undefined, observed);
      observed?.answered("answered-by-host");
  }
}

/** On HTTP/2, a stream that closes is noticed without reading its body. */
function holdBody(admitted: Admitted): Admitted {
  const { request, fields } = admitted;
  return fields.contentLength === 0 || request.versionMajor > 1
    ? admitted
    : { ...admitted, held: new HeldBody(request.body) };
}

function begin(
  options: AdmissionOptions,
  admitted: Admitted,
  plugin: ExchangePlugin,
  identity: IdentityFields | undefined,
  given: RequestContext | undefined,
): void {
  const { request, requestId, route, held, observed } = admitted;
  const { edge } = options;
  const fields =
    identity === undefined
      ? admitted.fields
      : { ...admitted.fields, fields: edge.withIdentity(admitted.fields.fields, identity) };
  const context = given === undefined ? noContext : readContext(given);
  if (request.closed) {
    observed?.over("client-disconnected");
    return;
  }
  if (fields.contentLength !== 0 && held === undefined && request.bodyTaken) {
    throw bodyTakenMeanwhile;
  }
  const upgrades = fields.upgrade !== undefined || request.entry.event === "extendedConnect";
  if (upgrades && !plugin.mayTunnel) {
    answerRefused(options, request, route, tooManyTunnels, undefined, observed);
    return;
  }
  const traceFields = observed?.traceFields;
  const init = requestInit(request, route, fields, requestId, plugin, context, traceFields);
  const depth = request.call?.depth ?? 0;
  const onOver = options.callingExchanges?.begin(route.pluginId, init, identity, depth);
  const { pages } = options;
  let running: Exchange;
  try {
    const opened = request.openResponse(init.expectContinue);
    const response = observed === undefined ? opened : observed.open(opened);
    running = new Exchange(plugin, {
      response: pages?.live(response, request, route.pluginId, fields.basePath) ?? response,
      init,
      body: init.contentLength === 0 ? undefined : (held ?? request.body),
      rules: route.rewritesRedirects
        ? { ...edge.responseRules(init), redirects: redirectRules(fields) }
        : edge.responseRules(init),
      edge,
      boundClient: plugin.bindsClients
        ? {
            rawHeaders: request.rawHeaders,
            basePath: fields.basePath,
            scheme: fields.scheme,
          }
        : undefined,
      onOver,
      observed,
    });
  } catch (thrown) {
    // The connection to the plugin is gone and its state does not say so yet.
    held?.stop();
    const error = ServeHTTPError.from(thrown);
    onOver?.(error);
    answerRefused(options, request, route, error, undefined, observed);
    return;
  }
  request.onClose(running);
}

function redirectRules({ basePath, scheme, host, fields }: RequestFields): RedirectRules {
  const forwardedAt = fields.indexOf("X-Forwarded-Host");
  const forwarded = forwardedAt < 0 ? undefined : fields[forwardedAt + 1];
  return { basePath, scheme, hosts: forwarded === undefined ? [host] : [host, forwarded] };
}

/**
 * Answers a request that its plugin can't have now, and tells of it.
 *
 * @param retrySeconds for Retry-After, in place of what the error's code says
 */
export function answerRefused(
  { observers, onRefused, pages }: AdmissionOptions,
  request: IncomingRequest,
  route: Route,
  error: ServeHTTPError,
  retrySeconds?: number,
  observed = observers?.begin(request, route.requestUri, route.pluginId),
): void {
  if (!request.closed) {
    onRefused(route.pluginId, error);
  }
  if (pages?.showFailure(request, route, error, () => openAnswer(request, observed)) === true) {
    observed?.answered(failureOf(error).outcome, error);
    return;
  }
  answerFailure(request, error, retrySeconds, observed);
}

const bodyTaken = new ServeHTTPError(
  "invalid-argument",
  "something in front of the plugin host has read the request's body; put body parsers behind it",
);

const bodyTakenMeanwhile = new ServeHTTPError(
  "invalid-argument",
  "identity or context has read the request's body, which is for the plugin",
);

const tooManyTunnels = new ServeHTTPError("overload", "too many tunnels at once");

/** `identity` or `context` failed, or returned what can't be passed on. */
function failHost(options: AdmissionOptions, admitted: Admitted, error: unknown): void {
  const { observed, request, requestId, route } = admitted;
  const fault = { message: "the host could not pass a request on", plugin: route.pluginId };
  const isUnavailable = error instanceof ServeHTTPError && error.code === "unavailable";
  const failure = isUnavailable ? failures.unavailable : failures.internal;
  const details = { ...fault, requestId };
  failRequest(request, options.onHostFault, details, error, failure, observed);
}
