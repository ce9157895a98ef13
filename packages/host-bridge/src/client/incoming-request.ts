import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { ClientResponse } from "./client-response.js";
import type { Exchange } from "../exchange/exchange.js";
import type { RequestBody } from "./request-body.js";

/** The request of any Node server; Express and Connect add `originalUrl`. */
export type HostRequest = (IncomingMessage | Http2ServerRequest) & { originalUrl?: string };

/** The response of any Node server. */
export type HostResponse = ServerResponse | Http2ServerResponse;

/** By which event of a server a request came. `head` is what the client has sent behind an upgrade request. */
export type RequestEntry =
  | { readonly event: "request" | "checkContinue" | "extendedConnect" }
  | { readonly event: "upgrade"; readonly head: Buffer };

/** How most requests come. */
export const byRequest = { event: "request" } as const;

/** A client's request as it came, whatever has read it: a server of Node's, or the fast path for plain requests. */
export interface IncomingRequest {
  readonly method: string;
  /** As Node gives them: name, value, name, value. */
  readonly rawHeaders: readonly string[];
  readonly versionMajor: number;
  readonly versionMinor: number;
  readonly scheme: "http" | "https";
  /** Without a port; empty where there is none (a unix socket). */
  readonly remoteIp: string;
  /** `"ip:port"`, or empty. */
  readonly remoteAddress: string;
  readonly entry: RequestEntry;
  /** HTTP/2: the stream ended with its header section. */
  readonly endedByHead: boolean;
  /** The protocol of an extended CONNECT (RFC 8441, section 4); empty for every other request. */
  readonly connectProtocol: string;
  /** Somebody in front of the host has begun to read the body. */
  readonly bodyTaken: boolean;
  readonly body: RequestBody;
  /** Nobody waits for an answer any more: the client left, or the host's own middleware has answered. */
  readonly gone: boolean;
  /** The request as `identity` and `context` are given it. */
  readonly message: HostRequest;
  /** Where the response goes; `awaitsContinue` says that the client holds its body back until it is asked for. */
  openResponse(awaitsContinue: boolean): ClientResponse;
  /** Tells an exchange when its client's connection, or its stream, closes. */
  onClose(exchange: Exchange): void;
}
