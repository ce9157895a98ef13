import type { FieldList, Memo, ServeHTTPError } from "@servehttp/contract";
import type { ClientResponse } from "./client-response.js";
import type { HostRequest } from "./node-types.js";
import type { RequestBody } from "./request-body.js";

/**
 * The event by which a server of Node's told of a request. `head` is what the client has sent
 * behind an upgrade request.
 */
export type RequestEntry =
  | { readonly event: "request" | "checkContinue" | "extendedConnect" }
  | { readonly event: "upgrade"; readonly head: Buffer };

/** How most requests come. */
export const byRequest = { event: "request" } as const;

/** Who is told when a client's connection closes. */
export interface CloseListener {
  /** The client's connection, or its HTTP/2 stream, is closed. */
  clientClosed(): void;
  /** The host itself ends the request, before its client does. */
  stop?(reason: ServeHTTPError): void;
}

/** What is known of a request that a plugin makes in place of a client. */
export interface CallFacts {
  /** The id of the plugin that calls. */
  readonly pluginId: string;
  /** How many calls were made within one another, this one included: 1 or more. */
  readonly depth: number;
  /** When the exchange within which it is made is given up, in Unix milliseconds; 0 for never. */
  readonly deadlineUnixMs: number;
  /** The fields that say who forwarded the client's request, in place of those of the host. */
  readonly forwarded: FieldList;
}

/** A client's request, whether a server of Node's has read it or the fast path. */
export interface IncomingRequest {
  readonly method: string;
  /** As Node gives them: name, value, name, value. */
  readonly rawHeaders: readonly string[];
  /**
   * There where the same fields have come on the same connection before: for what the edge makes of
   * them.
   */
  readonly fieldsMemo?: Memo | undefined;
  /**
   * There where the client repeats its request, target and fields, on the same connection: for the
   * head that the plugin gets.
   */
  readonly headMemo?: { made: unknown } | undefined;
  readonly versionMajor: number;
  readonly versionMinor: number;
  readonly scheme: "http" | "https";
  /** Whoever has connected: an IP address, `"unix"`, or empty where it is not known any more. */
  readonly peer: string;
  /** `"ip:port"`; empty where there is no address. */
  readonly remoteAddress: string;
  /** The same for all requests that come by one connection; undefined where that is closed. */
  readonly connectionId: string | undefined;
  readonly entry: RequestEntry;
  /** HTTP/2: the stream ended with its header section. */
  readonly endedByHead: boolean;
  /** The protocol of an extended CONNECT (RFC 8441, section 4); empty for every other request. */
  readonly connectProtocol: string;
  /** Something in front of the host, a body parser say, has begun to read the body. */
  readonly bodyTaken: boolean;
  readonly body: RequestBody;
  /** No answer is needed any more: the client left, or the host's own middleware has answered. */
  readonly closed: boolean;
  /** The request as `identity` and `context` get it. */
  readonly message: HostRequest;
  /** There where a plugin makes the request. */
  readonly call?: CallFacts;
  /**
   * Opens the response. `awaitsContinue` says that the client holds its body back until it gets a
   * 100 (Continue).
   */
  openResponse(awaitsContinue: boolean): ClientResponse;
  /** Tells a listener, from now on, when the client's connection or its HTTP/2 stream closes. */
  onClose(listener: CloseListener): void;
}
