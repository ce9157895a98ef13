import { ServeHTTPError } from "@servehttp/contract";
import type { IncomingRequest } from "../client/incoming-request.js";
import type { HostRequest } from "../client/node-types.js";
import type { EdgePolicy, IdentityFields, RequestFields } from "../edge/edge-policy.js";
import { type Refusal, refusal } from "../edge/refusal.js";
import type { Route } from "../edge/router.js";
import type { Destination } from "../exchange/destination.js";
import { Exchange, type ExchangePlugin } from "../exchange/exchange.js";
import { failures, refusalProxyError } from "../exchange/failure.js";
import { failureResponse } from "../exchange/failure-response.js";
import { checkContext, noContext, type RequestContext } from "./check-context.js";
import type { RequestIds } from "./request-ids.js";
import { requestInit } from "./request-init.js";

/** What decides how requests are let through. */
export interface AdmissionOptions {
  readonly edge: EdgePolicy;
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

/**
 * Lets a request through the edge to its plugin, and waits for what the host's own functions say of
 * it, where they are not at once. Returns why not, before anything has happened; later failures are
 * answered here.
 */
export function admit(
  options: AdmissionOptions,
  request: IncomingRequest,
  route: Route,
  plugin: ExchangePlugin,
): Refusal | undefined {
  const { edge } = options;
  const { event } = request.entry;
  const fields = edge.readRequest(request.rawHeaders, {
    versionMajor: request.versionMajor,
    versionMinor: request.versionMinor,
    remoteIp: request.remoteIp,
    scheme: request.scheme,
    authority: route.authority,
    endedByHead: request.endedByHead,
    upgradable: event === "upgrade",
  });
  if (fields.kind === "refusal") {
    return fields;
  }
  if (event === "upgrade" && fields.contentLength !== 0) {
    return refusal(
      400,
      "what follows an upgrade is the new protocol's: a body would be taken for it",
    );
  }
  if (event === "extendedConnect" && !edge.mayUpgrade(request.connectProtocol)) {
    // RFC 9220, section 3.
    return refusal(501, "a protocol that the server does not speak");
  }
  const requestId = options.requestIds.next();
  const admitted: Admitted = { request, route, fields, requestId };
  if (fields.contentLength !== 0 && request.bodyTaken) {
    failHost(options, admitted, bodyTaken);
    return undefined;
  }
  try {
    const identity = options.identity?.(request.message);
    const context = options.context?.(request.message) ?? noContext;
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
  return undefined;
}

/** A request that has passed the edge. */
interface Admitted {
  readonly request: IncomingRequest;
  readonly route: Route;
  readonly fields: RequestFields;
  readonly requestId: string;
}

/** Looks again where the request goes: the instance that was chosen may be gone by now, or busy. */
function beginLater(
  options: AdmissionOptions,
  admitted: Admitted,
  identity: IdentityFields | undefined,
  context: RequestContext,
): void {
  const destination = options.destination(admitted.route.pluginId);
  if (destination.kind === "exchange") {
    begin(options, admitted, destination.plugin, identity, context);
  } else if (destination.kind === "refused") {
    answerFailure(admitted.request, destination.error);
  } else {
    answer(admitted.request, 404, refusalProxyError(404));
  }
}

function begin(
  options: AdmissionOptions,
  admitted: Admitted,
  plugin: ExchangePlugin,
  identity: IdentityFields | undefined,
  context: RequestContext,
): void {
  const { request, fields, requestId, route } = admitted;
  const { edge } = options;
  if (identity !== undefined) {
    edge.addIdentity(fields.fields, identity);
  }
  checkContext(context);
  if (request.closed) {
    return;
  }
  const upgrades = fields.upgrade !== undefined || request.entry.event === "extendedConnect";
  if (upgrades && !plugin.mayTunnel) {
    answerFailure(request, tooManyTunnels);
    return;
  }
  const init = requestInit(request, route, fields, requestId, plugin, context);
  let running: Exchange;
  try {
    running = new Exchange(plugin, {
      response: request.openResponse(init.expectContinue),
      init,
      body: init.contentLength === 0 ? undefined : request.body,
      rules: {
        method: init.method,
        versionMajor: init.protocolMajor,
        versionMinor: init.protocolMinor,
        policy: edge,
      },
      edge,
    });
  } catch (error) {
    // The connection to the plugin is gone and its state does not say so yet.
    answerFailure(request, ServeHTTPError.from(error));
    return;
  }
  request.onClose(running);
}

const bodyTaken = new ServeHTTPError(
  "invalid-argument",
  "something in front of the plugin host has read the request's body; put body parsers behind it",
);

const tooManyTunnels = new ServeHTTPError("overload", "too many tunnels at once");

/** `identity` or `context` threw, or gave what can't be passed on. */
function failHost(options: AdmissionOptions, admitted: Admitted, error: unknown): void {
  options.onHostError(error, admitted.requestId, admitted.route.pluginId);
  answer(admitted.request, 500, failures.internal.proxyError);
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value
    ? typeof value.then === "function"
    : false;
}

/** Answers in the plugin's place, before there is an exchange. */
export function answer(
  request: IncomingRequest,
  status: number,
  proxyError: string,
  retryAfterSeconds?: number,
): void {
  if (request.closed) {
    return;
  }
  const response = request.openResponse(false);
  const { head, body } = failureResponse(
    {
      status,
      proxyError,
      ...(retryAfterSeconds === undefined ? undefined : { retryAfterSeconds }),
    },
    request.method === "HEAD",
  );
  response.respond(head, body, []);
  if (!request.body.complete) {
    response.discardRequestBody();
  }
}

/** Answers what the code of an error says. */
export function answerFailure(request: IncomingRequest, error: ServeHTTPError): void {
  const { proxyError, retryAfterSeconds, status = 503 } = failures[error.code];
  answer(request, status, proxyError, retryAfterSeconds);
}
