/**
 * The parts of an exchange as both ends handle them in memory. They mirror the messages of
 * `servehttp/v1/exchange.proto`, which explains each. Only the shapes differ, so that the hot path
 * has nothing to convert:
 *
 * - a list of header fields is flat, as Node's `rawHeaders` is,
 * - bytes of field values are strings of one character a byte (Latin-1),
 * - an absent part is an absent property.
 */

/**
 * Header fields as name, value, name, value and so on: order and number as on the wire, one pair
 * for each value. Values are Latin-1 strings.
 */
export type FieldList = readonly string[];

/**
 * What a reader of a field list that comes again and again has made of it, so that it is made once.
 * Counts only for that very list, which nobody changes.
 */
export interface Memo {
  readonly of: FieldList;
  made: unknown;
}

/** The memo that came with a list; undefined where it is that of another one. */
export function memoOf(list: FieldList, memo: Memo | undefined): Memo | undefined {
  return memo?.of === list ? memo : undefined;
}

/**
 * What is the same in the heads of requests that a client repeats: all but their `requestId`,
 * `deadlineUnixMs` and `context`.
 */
export interface RepeatedHead {
  /** The head of the first of those requests. */
  readonly init: RequestInit;
  /** What a carrier has made of it: the bytes of all those fields. */
  encoded: Uint8Array | undefined;
}

/** The head of a request: `servehttp.v1.RequestInit`. */
export interface RequestInit {
  readonly method: string;
  /** Path and query as the plugin sees them, its bytes as Latin-1. */
  readonly url: string;
  /** The request target as the client sent it, its bytes as Latin-1. */
  readonly requestUri: string;
  /** In front of the plugin's own "/", as clients send it, its bytes as Latin-1; may be empty. */
  readonly basePath: string;
  /** `url` begins with `basePath`. */
  readonly fullPath: boolean;
  /** `"HTTP/1.1"` */
  readonly protocol: string;
  readonly protocolMajor: number;
  readonly protocolMinor: number;
  readonly host: string;
  /** `"ip:port"`, or empty. */
  readonly remoteAddress: string;
  readonly headers: FieldList;
  /** There where `headers` come again and again: for the bytes that a carrier makes of them. */
  readonly headersMemo?: Memo | undefined;
  /**
   * There where `headers` begins with fields that come again and again, and has others behind them:
   * the list of those fields. `headersMemo` is of it then.
   */
  readonly headersBegin?: FieldList | undefined;
  /** There where the client repeats its request: what is the same each time. */
  readonly repeats?: RepeatedHead | undefined;
  /** In bytes; -1 where it is not known in advance. */
  readonly contentLength: number;
  /** Milliseconds since the Unix epoch; 0 for none. */
  readonly deadlineUnixMs: number;
  readonly requestId: string;
  readonly context: Readonly<Record<string, string>>;
  readonly scheme: "http" | "https";
  readonly expectContinue: boolean;
  readonly hijackable: boolean;
  /** What the client sent behind an upgrade request; absent where that is nothing. */
  readonly tunnelHead?: Uint8Array;
  /** The id of the plugin that made the request by a call; absent where a client made it. */
  readonly calledBy?: string;
  /** The same for all requests of one client connection; absent where none is the client's. */
  readonly clientConnectionId?: string | undefined;
}

/** The head of the final response: `servehttp.v1.ResponseInit`. */
export interface ResponseInit {
  readonly status: number;
  readonly headers: FieldList;
  /**
   * The reason phrase for clients of HTTP/1, as Latin-1; absent for the usual one of the status.
   */
  readonly reason?: string;
  /** There where the same head comes again and again: for what the host makes of it. */
  readonly memo?: Memo;
}

/** An interim response: `servehttp.v1.InformationalResponse`. */
export interface InformationalResponse {
  readonly status: number;
  readonly headers: FieldList;
}

/** The proof that a direction is complete: `servehttp.v1.End`. */
export interface End {
  readonly trailers: FieldList;
}

/** Parts of the request that travel together; they apply in the order of the properties here. */
export interface RequestParts {
  init?: RequestInit;
  /** 1 byte to `bodyChunkBytesMax`. */
  chunk?: Uint8Array;
  /**
   * Nobody needs the memory of the chunk once it has been written: a carrier may free it then. The
   * chunk reads as empty from there on.
   */
  freesChunk?: true;
  end?: End;
  tunnelChunk?: Uint8Array;
  tunnelEnd?: true;
}

/** Parts of the response that travel together; they apply in the order of the properties here. */
export interface ResponseParts {
  informational?: readonly InformationalResponse[];
  init?: ResponseInit;
  hijack?: true;
  /** 1 byte to `bodyChunkBytesMax`. */
  chunk?: Uint8Array;
  flush?: true;
  end?: End;
  tunnelChunk?: Uint8Array;
  tunnelEnd?: true;
  /** Milliseconds from now. */
  extendHeadMs?: number;
}

/** What parts of either direction have in common: bytes of body and tunnel, and an end of each. */
export interface BodyParts {
  chunk?: Uint8Array;
  freesChunk?: true;
  end?: End;
  tunnelChunk?: Uint8Array;
  tunnelEnd?: true;
}

/** No header fields. */
export const noFields: FieldList = Object.freeze([]);

/** An end without trailers. */
export const plainEnd: End = Object.freeze({ trailers: noFields });
