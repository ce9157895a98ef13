import { IncomingMessage } from "node:http";
import type { ClientSocket } from "../exchange/client-socket.js";
import { fieldsOf } from "../handler/header-list.js";
import type { PluginRequest } from "../handler/plugin-request.js";
import type { ServerTraits } from "./server-traits.js";

/**
 * The request behind a Node request that this package made, which has `context`, `deadline` and the
 * like. Its body is in Node's request: read it there. Undefined for any other, such as one of a
 * server that listens.
 */
export function pluginRequestOf(incoming: IncomingMessage): PluginRequest | undefined {
  return requests.get(incoming);
}

const requests = new WeakMap<IncomingMessage, PluginRequest>();

/**
 * A Node request with the head of ours, as for an application that Connect has mounted at the base
 * path. Its socket brings the body. Its version is 1.1 for a client
 * that speaks HTTP/2, because Node's class, and frameworks that look at the version, know HTTP/1
 * only.
 */
export function toIncomingMessage(
  request: PluginRequest,
  socket: ClientSocket,
  traits: ServerTraits,
): NodeRequest {
  socket.server = traits.server;
  const incoming = new traits.IncomingMessage(socket.asNodeSocket()) as NodeRequest;
  const isOld = request.protocol === "HTTP/1.0";
  incoming.httpVersion = isOld ? "1.0" : "1.1";
  incoming.httpVersionMajor = 1;
  incoming.httpVersionMinor = isOld ? 0 : 1;
  incoming.method = request.method;
  incoming.url = request.url;
  const { originalUrl } = request;
  incoming.originalUrl = originalUrl;
  incoming.baseUrl = originalUrl === request.url ? "" : request.basePath;
  incoming.upgrade = false;
  incoming.joinDuplicateHeaders = traits.joinDuplicateHeaders;
  addHeaderLines(incoming, rawHeadersOf(request));
  requests.set(incoming, request);
  return incoming;
}

/** Ends the request: its body has come as a whole, and these are its trailers. */
export function completeIncoming(incoming: IncomingMessage, trailers: readonly string[]): void {
  incoming.complete = true;
  addHeaderLines(incoming, trailers);
  incoming.push(null);
}

/**
 * The response has ended. The end of the connection, which follows, is no longer a reason to abort
 * the request's signal.
 */
export function detachSignal(incoming: IncomingMessage): void {
  if (detachKey !== undefined) {
    (incoming as unknown as Record<symbol, () => void>)[detachKey]?.();
  }
}

/**
 * A server of Node's calls the method of this symbol; engines whose requests have no signal don't
 * have it.
 */
const detachKey = Object.getOwnPropertySymbols(IncomingMessage.prototype).find(
  ({ description }) => description === "kDetachAbortSignal",
);

/** The error that a Node request ends with when its connection breaks. */
export function connectionReset(): Error {
  return Object.assign(new Error("aborted"), { code: "ECONNRESET" });
}

/**
 * The header section with the fields that the contract keeps apart, as a server of Node's would
 * have read it.
 */
function rawHeadersOf(request: PluginRequest): string[] {
  const { headers } = request;
  const raw = request.host === "" ? [] : ["Host", request.host];
  for (const text of fieldsOf(headers)) {
    raw.push(text);
  }
  if (headers.has("upgrade") && !headers.has("connection")) {
    raw.push("Connection", "Upgrade");
  }
  if (request.contentLength === undefined) {
    raw.push("Transfer-Encoding", "chunked");
  } else if (request.contentLength > 0) {
    raw.push("Content-Length", String(request.contentLength));
  }
  if (request.expectContinue && !headers.has("expect")) {
    raw.push("Expect", "100-continue");
  }
  return raw;
}

/**
 * Fills `rawHeaders`, from which Node makes `headers` on demand; once `complete` is set, the
 * trailers.
 */
function addHeaderLines(incoming: IncomingMessage, raw: readonly string[]): void {
  (incoming as NodeRequest)._addHeaderLines(raw, raw.length);
}

/**
 * What is not in Node's types of a request. `originalUrl` and `baseUrl` are what Connect and Express
 * give to an application that is mounted by `app.use(path, …)`.
 */
export interface NodeRequest extends IncomingMessage {
  originalUrl: string;
  baseUrl: string;
  upgrade: boolean | null;
  joinDuplicateHeaders: boolean | undefined;
  _addHeaderLines(raw: readonly string[], length: number): void;
}
