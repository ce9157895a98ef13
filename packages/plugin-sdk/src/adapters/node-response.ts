import {
  type IncomingMessage,
  type ServerResponse,
  STATUS_CODES,
  validateHeaderName,
  validateHeaderValue,
} from "node:http";
import type { ClientSocket } from "../exchange/client-socket.js";
import type { ServerTraits } from "./server-traits.js";

/** What a Node response tells whoever sends it, beside the body that it writes to its socket. */
export interface ResponseHooks {
  /** An informational response. */
  sendInformational(status: number, fields: Fields): void;
  /**
   * The final head. It goes out with what follows. The reason phrase is undefined for the usual one
   * of the status.
   */
  commitHead(status: number, reason: string | undefined, fields: Fields): void;
  /** From here on, what the response writes is written by `end`. */
  expectLastWrite(): void;
  /** `end` has returned, or has thrown. */
  finishWrites(): void;
}

/** Header fields, one pair a value. */
export type Fields = readonly (readonly [name: string, value: string])[];

/**
 * A Node response that writes to a socket of ours. All of it is Node's own but two methods, which
 * are put on the object itself, because Express replaces its prototype:
 *
 * - `_storeHeader`, where Node turns the head into text and chooses a framing. Here the head stays
 *   fields, and what is written behind it reaches the socket without framing.
 * - `end`, so that the socket knows which write is the last.
 */
export function toServerResponse(
  incoming: IncomingMessage,
  socket: ClientSocket,
  traits: ServerTraits,
  hooks: ResponseHooks,
): ServerResponse {
  const outgoing = new traits.ServerResponse(incoming, traits.responseOptions) as NodeResponse;
  outgoing[ours] = { outgoing, hooks, uniqueHeaders: traits.uniqueHeaders };
  outgoing._storeHeader = storeHeader;
  outgoing.end = end as NodeResponse["end"];
  outgoing.assignSocket(socket.asNodeSocket());
  return outgoing;
}

/** The trailers that the handler has added. */
export function trailersOf(outgoing: ServerResponse): [string, string][] {
  return fieldLines((outgoing as NodeResponse)._trailer);
}

/** Reads the fields of lines of `name: value`. */
export function fieldLines(text: string): [string, string][] {
  const fields: [string, string][] = [];
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) {
      fields.push([line.slice(0, colon), line.slice(colon + 1).trim()]);
    }
  }
  return fields;
}

/** Emits `close` of a response that has left its socket, as a server of Node's does. */
export function close(outgoing: ServerResponse): void {
  if ((outgoing as NodeResponse)._closed !== true) {
    (outgoing as NodeResponse)._closed = true;
    outgoing.destroyed = true;
    outgoing.emit("close");
  }
}

/** Tells Node's response that there is room again. */
export function drained(outgoing: ServerResponse): void {
  if (outgoing.writableEnded) {
    return;
  }
  (outgoing as NodeResponse)._flush();
  // Node 22 does nothing itself where it has buffered nothing. What is piped into a response that
  // needs a drain waits for one.
  if (outgoing.writableNeedDrain) {
    const needsDrain = Object.getOwnPropertySymbols(outgoing).find(isNeedsDrain);
    if (needsDrain !== undefined) {
      Reflect.set(outgoing, needsDrain, false);
    }
    outgoing.emit("drain");
  }
}

function isNeedsDrain(symbol: symbol): boolean {
  return symbol.description === "kNeedDrain";
}

const ours = Symbol("servehttp");

/** What is not in Node's types, the same from Node 0.x to 26, and what we keep with a response. */
interface NodeResponse extends ServerResponse {
  [ours]: {
    readonly outgoing: ServerResponse;
    readonly hooks: ResponseHooks;
    readonly uniqueHeaders: ReadonlySet<string> | undefined;
  };
  getRawHeaderNames(): string[];
  _storeHeader: (firstLine: string, headers: HeadersOfWriteHead) => void;
  _flush(): void;
  _header: string | null;
  _headerSent: boolean;
  _hasBody: boolean;
  _closed: boolean | undefined;
  _contentLength: number | null;
  _removedContLen: boolean;
  _trailer: string;
}

type HeaderValue = string | number | readonly (string | number)[] | undefined;
type HeadersOfWriteHead =
  | readonly HeaderValue[]
  | readonly (readonly [string, HeaderValue])[]
  | Readonly<Record<string, HeaderValue>>
  | undefined
  | null;

function storeHeader(this: NodeResponse, firstLine: string, headers: HeadersOfWriteHead): void {
  const { statusCode, statusMessage } = this;
  const { hooks } = this[ours];
  const fields = fieldsOf(this, headers);
  if (statusCode < 200 && statusCode !== 101) {
    // As in Go, it goes out and the final head stays open. Node would end the response and leave
    // the client waiting.
    this._hasBody = this.req.method !== "HEAD";
    this.statusCode = 200;
    this.statusMessage = "";
    hooks.sendInformational(statusCode, fields);
    return;
  }
  this.chunkedEncoding = false;
  settleLength(this, fields);
  this._header = firstLine;
  this._headerSent = true;
  const isUsual = statusMessage === (STATUS_CODES[statusCode] ?? "unknown");
  hooks.commitHead(statusCode, isUsual ? undefined : statusMessage, fields);
}

/**
 * Sees to the length as Node does: one that was declared is what `strictContentLength` compares
 * with; a response that one `end` writes gets the length of that.
 */
function settleLength(outgoing: NodeResponse, fields: [string, string][]): void {
  let isFramed = false;
  let announcesTrailers = false;
  for (const [name, value] of fields) {
    switch (name.toLowerCase()) {
      case "content-length":
        outgoing._contentLength = Number(value);
        outgoing._removedContLen = false;
        isFramed = true;
        break;
      case "transfer-encoding":
        outgoing._contentLength = null;
        return;
      case "trailer":
        announcesTrailers = true;
        break;
      default:
    }
  }
  if (isFramed && announcesTrailers) {
    throw Object.assign(new Error("Trailers are invalid with this transfer encoding"), {
      code: "ERR_HTTP_TRAILER_INVALID",
    });
  }
  isFramed ||= announcesTrailers;
  const { _contentLength: length } = outgoing;
  if (!isFramed && typeof length === "number" && outgoing._hasBody && !outgoing._removedContLen) {
    fields.push(["Content-Length", String(length)]);
  }
}

/**
 * The header section: what `setHeader` has collected, to which Node has added what `writeHead` was
 * given; where nothing was set before, what `writeHead` was given.
 */
function fieldsOf(outgoing: NodeResponse, headers: HeadersOfWriteHead): [string, string][] {
  const fields: [string, string][] = [];
  const { uniqueHeaders } = outgoing[ours];
  const names = outgoing.getRawHeaderNames();
  if (names.length > 0) {
    for (const name of names) {
      addField(fields, name, outgoing.getHeader(name), uniqueHeaders);
    }
    return fields;
  }
  for (const [name, value] of pairsOf(headers ?? {})) {
    validateHeaderName(name);
    for (const single of Array.isArray(value) ? (value as readonly string[]) : [value]) {
      validateHeaderValue(name, single as string);
    }
    addField(fields, name, value, uniqueHeaders);
  }
  return fields;
}

/** Headers of `writeHead` in pairs: they come so, or as a flat array, or as an object. */
function pairsOf(
  headers: NonNullable<HeadersOfWriteHead>,
): readonly (readonly [string, HeaderValue])[] {
  if (!Array.isArray(headers)) {
    return Object.entries(headers as Readonly<Record<string, HeaderValue>>);
  }
  if (Array.isArray(headers[0])) {
    return headers as readonly (readonly [string, HeaderValue])[];
  }
  if (headers.length % 2 !== 0) {
    throw new TypeError("a flat array of headers has an even number of elements");
  }
  const pairs: [string, HeaderValue][] = [];
  for (let i = 0; i < headers.length; i += 2) {
    pairs.push([headers[i] as string, headers[i + 1] as HeaderValue]);
  }
  return pairs;
}

function addField(
  fields: [string, string][],
  name: string,
  value: HeaderValue,
  uniqueHeaders: ReadonlySet<string> | undefined,
): void {
  if (typeof value !== "object") {
    if (value !== undefined) {
      fields.push([name, String(value)]);
    }
  } else if (uniqueHeaders?.has(name.toLowerCase()) === true) {
    fields.push([name, value.join("; ")]);
  } else {
    for (const single of value) {
      fields.push([name, String(single)]);
    }
  }
}

/**
 * Calls the `end` of the prototype, which may be that of a class of the application's, or of
 * Express.
 */
function end(this: NodeResponse, ...args: unknown[]): ServerResponse {
  const { outgoing, hooks } = this[ours];
  if (!this.writableEnded) {
    hooks.expectLastWrite();
  }
  try {
    const endOfClass: unknown = Reflect.get(Object.getPrototypeOf(outgoing) as object, "end");
    Reflect.apply(endOfClass as () => unknown, this, args);
  } finally {
    hooks.finishWrites();
  }
  return this;
}
