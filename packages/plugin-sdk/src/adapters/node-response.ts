import {
  type IncomingMessage,
  ServerResponse,
  validateHeaderName,
  validateHeaderValue,
} from "node:http";
import type { ClientSocket } from "../exchange/client-socket.js";

/** What a Node response tells whoever sends it, beside the body that it writes to its socket. */
export interface ResponseHooks {
  /** An informational response. */
  sendInformational(status: number, fields: Fields): void;
  /** The final head. It goes out with what follows. */
  commitHead(status: number, fields: Fields): void;
  /** From here on, what the response writes is written by `end`. */
  expectLastWrite(): void;
  /** The response has ended. */
  finishWrites(): void;
}

/** Header fields, one pair a value. */
export type Fields = readonly (readonly [name: string, value: string])[];

/**
 * A Node response that writes to a socket of ours. All of it is Node's own but two methods, which are put on the object
 * itself, because Express replaces its prototype:
 *
 * - `_storeHeader`, where Node turns the head into text and chooses a framing. Here the head stays fields, and what is
 *   written behind it reaches the socket without framing.
 * - `end`, so that the socket knows which write is the last.
 */
export function toServerResponse(
  incoming: IncomingMessage,
  socket: ClientSocket,
  hooks: ResponseHooks,
): ServerResponse {
  const outgoing = new ServerResponse(incoming) as NodeResponse;
  outgoing[hooksKey] = hooks;
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

/** Tells Node's response that there is room again. */
export function drained(outgoing: ServerResponse): void {
  if (outgoing.writableEnded) {
    return;
  }
  (outgoing as NodeResponse)._flush();
  // Node 22 emits nothing itself where it has buffered nothing.
  if (outgoing.writableNeedDrain) {
    outgoing.emit("drain");
  }
}

const hooksKey = Symbol("hooks");

/** What is not in Node's types, the same from Node 0.x to 26, and our hooks. */
interface NodeResponse extends ServerResponse {
  [hooksKey]: ResponseHooks;
  getRawHeaderNames(): string[];
  _storeHeader: (firstLine: string, headers: HeadersOfWriteHead) => void;
  _flush(): void;
  _header: string | null;
  _headerSent: boolean;
  _hasBody: boolean;
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
  const { statusCode } = this;
  const fields = fieldsOf(this, headers);
  if (statusCode < 200 && statusCode !== 101) {
    // As in Go, it goes out and the final head stays open. Node would end the response and leave the client waiting.
    this._hasBody = this.req.method !== "HEAD";
    this.statusCode = 200;
    this.statusMessage = "";
    this[hooksKey].sendInformational(statusCode, fields);
    return;
  }
  this._header = firstLine;
  this._headerSent = true;
  this.chunkedEncoding = false;
  addKnownLength(this, fields);
  this[hooksKey].commitHead(statusCode, fields);
}

/** A response that one `end` writes has a length, as with Node. */
function addKnownLength(outgoing: NodeResponse, fields: [string, string][]): void {
  const { _contentLength: length } = outgoing;
  if (
    typeof length === "number" &&
    outgoing._hasBody &&
    !outgoing._removedContLen &&
    !fields.some(([name]) => framingNames.has(name.toLowerCase()))
  ) {
    fields.push(["Content-Length", String(length)]);
  }
}

const framingNames: ReadonlySet<string> = new Set([
  "content-length",
  "transfer-encoding",
  "trailer",
]);

/**
 * The header section: what `setHeader` has collected, to which Node has added what `writeHead` was given; where nothing was
 * set before, what `writeHead` was given.
 */
function fieldsOf(outgoing: NodeResponse, headers: HeadersOfWriteHead): [string, string][] {
  const fields: [string, string][] = [];
  const names = outgoing.getRawHeaderNames();
  if (names.length > 0) {
    for (const name of names) {
      addField(fields, name, outgoing.getHeader(name));
    }
    return fields;
  }
  if (Array.isArray(headers)) {
    addPairs(fields, headers as readonly unknown[]);
  } else {
    for (const [name, value] of Object.entries(headers ?? {})) {
      addChecked(fields, name, value as HeaderValue);
    }
  }
  return fields;
}

/** Pairs, nested or flat. */
function addPairs(fields: [string, string][], headers: readonly unknown[]): void {
  if (Array.isArray(headers[0])) {
    for (const [name, value] of headers as readonly (readonly [string, HeaderValue])[]) {
      addChecked(fields, name, value);
    }
    return;
  }
  if (headers.length % 2 !== 0) {
    throw new TypeError("a flat list of headers has an even number of elements");
  }
  for (let i = 0; i < headers.length; i += 2) {
    addChecked(fields, headers[i] as string, headers[i + 1] as HeaderValue);
  }
}

function addChecked(fields: [string, string][], name: string, value: HeaderValue): void {
  validateHeaderName(name);
  for (const single of Array.isArray(value) ? (value as readonly string[]) : [value]) {
    validateHeaderValue(name, single as string);
  }
  addField(fields, name, value);
}

function addField(fields: [string, string][], name: string, value: HeaderValue): void {
  if (typeof value === "object") {
    for (const single of value) {
      fields.push([name, String(single)]);
    }
  } else if (value !== undefined) {
    fields.push([name, String(value)]);
  }
}

function end(this: NodeResponse, ...args: unknown[]): ServerResponse {
  const hooks = this[hooksKey];
  if (!this.writableEnded) {
    hooks.expectLastWrite();
  }
  Reflect.apply(endOfNode, this, args);
  if (this.writableEnded) {
    hooks.finishWrites();
  }
  return this;
}

// oxlint-disable-next-line typescript/unbound-method -- it is applied to a response
const endOfNode = ServerResponse.prototype.end;
