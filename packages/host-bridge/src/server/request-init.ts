import { randomBytes } from "node:crypto";
import type { FieldList, RequestInit } from "@servehttp/contract";
import type { CallFacts, IncomingRequest } from "../client/incoming-request.js";
import type { RequestFields } from "../edge/request-fields.js";
import { isWebSocketKeyName, webSocketKey } from "../edge/web-socket-key.js";
import type { ExchangePlugin } from "../exchange/exchange.js";
import type { Route } from "../routing/route.js";
import { noContext, type RequestContext } from "./read-context.js";
import { RepeatedInit, SentHead } from "./repeated-init.js";
import { withTraceFields } from "./with-trace-fields.js";

/**
 * Makes the head of a request that goes to the plugin. Hot: the small GET of `apps/bench`.
 *
 * @param traceFields those that go in place of the request's own; undefined where nobody traces
 */
export function requestInit(
  request: IncomingRequest,
  route: Route,
  fields: RequestFields,
  requestId: string,
  plugin: ExchangePlugin,
  context: RequestContext,
  traceFields: FieldList | undefined,
): RequestInit {
  const { call, entry, versionMajor, versionMinor } = request;
  const { event } = entry;
  const mayRepeat = traceFields === undefined && call === undefined && context === noContext;
  const memo = mayRepeat ? request.headMemo : undefined;
  const before = memo?.made as SentHead | undefined;
  if (before?.isFor(route, fields, plugin) === true) {
    return new RepeatedInit(before, requestId, deadlineUnixMs(plugin, call));
  }
  const extended = event === "extendedConnect";
  const known = fields.fields;
  const sent = traceFields === undefined ? known : withTraceFields(known, traceFields);
  const headers = extended
    ? upgradeFields(request, sent)
    : fields.emptyBodyDeclared
      ? // The length of a body is told beside the fields, but not whether an empty one was declared.
        // Body parsers want to know.
        [...sent, "Content-Length", "0"]
      : sent;
  // For a request that did not come by `checkContinue`, Node has sent the 100 itself.
  const expectContinue = fields.expectContinue && event === "checkContinue";
  const init: RequestInit = {
    method: extended ? "GET" : request.method,
    url: urlFor(route, fields.basePath),
    basePath: fields.basePath,
    fullPath: route.fullPath,
    requestUri: route.requestUri,
    protocol: protocolOf(versionMajor, versionMinor),
    protocolMajor: versionMajor,
    protocolMinor: versionMinor,
    host: fields.host,
    remoteAddress: fields.remoteAddress,
    // A plugin is told of an expectation by `expectContinue`, not twice.
    headers: expectContinue ? without(headers, isExpect) : headers,
    headersMemo: fields.fieldsMemo,
    headersBegin:
      traceFields !== undefined &&
      headers === sent &&
      !expectContinue &&
      sent.length === known.length + traceFields.length
        ? known
        : undefined,
    contentLength: extended ? 0 : fields.contentLength,
    deadlineUnixMs: deadlineUnixMs(plugin, call),
    requestId,
    context,
    scheme: fields.scheme,
    expectContinue,
    hijackable:
      extended ||
      (versionMajor === 1 && fields.contentLength === 0 && plugin.mayTunnel && call === undefined),
    clientConnectionId: fields.direct ? request.connectionId : undefined,
  };
  if (memo !== undefined) {
    memo.made = new SentHead(init, route, fields, plugin);
  }
  if (call !== undefined) {
    return { ...init, calledBy: call.pluginId };
  }
  return event === "upgrade" && entry.head.length > 0 ? { ...init, tunnelHead: entry.head } : init;
}

/** When the exchange is given up: a call goes when the exchange goes within which it is made. */
function deadlineUnixMs({ times }: ExchangePlugin, call: CallFacts | undefined): number {
  const ownUnixMs = times.totalMs === 0 ? 0 : Date.now() + times.totalMs;
  const outerUnixMs = call === undefined ? 0 : call.deadlineUnixMs;
  if (ownUnixMs === 0 || outerUnixMs === 0) {
    return ownUnixMs + outerUnixMs;
  }
  return Math.min(ownUnixMs, outerUnixMs);
}

/** The url of a plugin that gets the whole path begins with what a trusted proxy has said. */
function urlFor(route: Route, basePath: string): string {
  return route.fullPath && basePath !== route.basePath
    ? basePath + route.url.slice(route.basePath.length)
    : route.url;
}

function without(fields: readonly string[], isOut: (name: string) => boolean): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] as string;
    if (!isOut(name)) {
      kept.push(name, fields[at + 1] as string);
    }
  }
  return kept;
}

function isExpect(name: string): boolean {
  return name.toLowerCase() === "expect";
}

/**
 * The fields of an extended CONNECT with those of the HTTP/1 upgrade that it stands for (RFC 8441,
 * section 5).
 */
function upgradeFields(request: IncomingRequest, fields: readonly string[]): string[] {
  const protocol = request.connectProtocol;
  if (protocol.toLowerCase() !== "websocket") {
    return [...fields, "Connection", "Upgrade", "Upgrade", protocol];
  }
  const key = webSocketKey(request.rawHeaders) ?? randomBytes(16).toString("base64");
  return [
    ...without(fields, isWebSocketKeyName),
    "Connection",
    "Upgrade",
    "Upgrade",
    protocol,
    "Sec-WebSocket-Key",
    key,
  ];
}

function protocolOf(major: number, minor: number): string {
  if (major === 2) {
    return "HTTP/2.0";
  }
  return minor === 0 ? "HTTP/1.0" : "HTTP/1.1";
}
