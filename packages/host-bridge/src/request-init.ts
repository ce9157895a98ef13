import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { RequestInit } from "@servehttp/contract";
import type { RequestContext } from "./check-context.js";
import type { RequestFields } from "./edge-policy.js";
import type { ExchangePlugin } from "./exchange.js";
import type { HostRequest, RequestEntry } from "./listener.js";
import type { Route } from "./router.js";

/** The head of a request as its plugin gets it. Hot: the small GET of `apps/bench`. */
export function requestInit(
  request: HostRequest,
  route: Route,
  fields: RequestFields,
  requestId: string,
  scheme: "http" | "https",
  entry: RequestEntry,
  plugin: ExchangePlugin,
  context: RequestContext,
): RequestInit {
  const { totalMs } = plugin.times;
  const { event } = entry;
  const extended = event === "extendedConnect";
  if (extended) {
    pushUpgrade(fields.fields, connectProtocol(request));
  }
  const init: RequestInit = {
    method: extended ? "GET" : (request.method ?? "GET"),
    url: route.url,
    requestUri: route.requestUri,
    protocol: protocolOf(request),
    protocolMajor: request.httpVersionMajor,
    protocolMinor: request.httpVersionMinor,
    host: fields.host,
    remoteAddress: addressOf(request.socket),
    headers: fields.fields,
    contentLength: extended ? 0 : fields.contentLength,
    deadlineUnixMs: totalMs === 0 ? 0 : Date.now() + totalMs,
    requestId,
    context,
    scheme,
    // Without `checkContinue` Node has sent the 100 itself.
    expectContinue: fields.expectContinue && event === "checkContinue",
    hijackable:
      extended ||
      (request.httpVersionMajor === 1 && fields.contentLength === 0 && plugin.mayTunnel),
  };
  return event === "upgrade" && entry.head.length > 0 ? { ...init, tunnelHead: entry.head } : init;
}

/** The protocol that an extended CONNECT asks for (RFC 8441, section 4). */
export function connectProtocol(request: HostRequest): string {
  return String(request.headers[":protocol"]);
}

/** The HTTP/1 upgrade that an extended CONNECT stands for (RFC 8441, section 5). */
function pushUpgrade(fields: string[], protocol: string): void {
  fields.push("Connection", "Upgrade", "Upgrade", protocol);
  if (protocol.toLowerCase() === "websocket") {
    fields.push("Sec-WebSocket-Key", randomBytes(16).toString("base64"));
  }
}

function protocolOf(request: HostRequest): string {
  if (request.httpVersionMajor === 2) {
    return "HTTP/2.0";
  }
  return request.httpVersionMinor === 0 ? "HTTP/1.0" : "HTTP/1.1";
}

function addressOf(socket: Socket): string {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined) {
    return "";
  }
  // What a socket for both versions of IP shows of an IPv4 caller.
  const ip = remoteAddress.startsWith("::ffff:") ? remoteAddress.slice(7) : remoteAddress;
  return ip.includes(":") ? `[${ip}]:${remotePort}` : `${ip}:${remotePort}`;
}
