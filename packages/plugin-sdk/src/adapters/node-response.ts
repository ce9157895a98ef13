import {
  type IncomingMessage,
  ServerResponse,
  validateHeaderName,
  validateHeaderValue,
} from "node:http";
import type { Socket } from "node:net";
import type { NodeSocket } from "./node-socket.js";

/**
 * A Node response that writes to a socket of ours. All of it is Node's own but two methods, which are put on the object
 * itself, because Express replaces its prototype:
 *
 * - `_storeHeader`, where Node turns the head into text and chooses a framing: here the head stays fields, and what is
 *   written behind it reaches the socket without framing,
 * - `end`, so that the socket knows which write is the last.
 */
export function toServerResponse(incoming: IncomingMessage, socket: NodeSocket): ServerResponse {
  const outgoing = new ServerResponse(incoming) as NodeResponse;
  outgoing._storeHeader = storeHeader;
  outgoing.end = end as ServerResponse["end"] & NodeResponse["end"];
  outgoing.assignSocket(socket as unknown as Socket);
  return outgoing;
}

/** The trailers that were added, name and value by turns. */
export function trailersOf(outgoing: ServerResponse): [string, string][] {
  return fieldLines((outgoing as NodeResponse)._trailer);
}

/** The fields in lines of `name: value`. */
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

/** Where there is room again, Node's response is told. */
export function drained(outgoing: ServerResponse): void {
  if (outgoing.writableEnded) {
    return;
  }
  (outgoing as NodeResponse)._flush();
  // Node 22 keeps it to itself when it has buffered nothing.
  if (outgoing.writableNeedDrain) {
    outgoing.emit("drain");
  }
}

/** What is not in Node's types: the same from Node 0.x to 24. */
interface NodeResponse extends ServerResponse {
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

function storeHeader(this: ServerResponse, firstLine: string, headers: HeadersOfWriteHead): void {
  const outgoing = this as NodeResponse;
  const socket = outgoing.socket as unknown as NodeSocket | null;
  const { statusCode } = outgoing;
  const fields = fieldsOf(outgoing, headers);
  if (statusCode < 200 && statusCode !== 101) {
    // Go's way: it goes out, and the final head stays open. Node would end the response and leave the client waiting.
    outgoing._hasBody = outgoing.req.method !== "HEAD";
    outgoing.statusCode = 200;
    outgoing.statusMessage = "";
    socket?.sendInformational(statusCode, fields);
    return;
  }
  outgoing._header = firstLine;
  outgoing._headerSent = true;
  outgoing.chunkedEncoding = false;
  addKnownLength(outgoing, fields);
  socket?.commitHead(statusCode, fields);
}

/** As Node does: a response that is written by one `end` has a length. */
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

/** What `setHeader` has collected, which includes what `writeHead` was given then; else what `writeHead` was given. */
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

function end(this: ServerResponse, ...args: unknown[]): ServerResponse {
  const socket = this.socket as unknown as NodeSocket | null;
  if (!this.writableEnded) {
    socket?.expectLastWrite();
  }
  Reflect.apply(endOfNode, this, args);
  if (this.writableEnded) {
    socket?.end();
  }
  return this;
}

// oxlint-disable-next-line typescript/unbound-method -- it is applied to a response
const endOfNode = ServerResponse.prototype.end;
