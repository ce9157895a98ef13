import {
  type ErrorCode,
  type FieldList,
  type InformationalResponse,
  type RequestInit,
  type RequestParts,
  type ResponseInit,
  type ResponseParts,
  fieldCountMax,
  noFields,
  plainEnd,
  reasonBytesMax,
  ServeHTTPError,
} from "@servehttp/contract";
import { WireReader } from "./wire-reader.js";
import type { WireWriter } from "./wire-writer.js";

/**
 * The messages of `exchange.proto`, written and read by hand: they are the hot path, and the generated codec
 * spends more on one of them than the whole rest of an exchange costs. `part-codec.test.ts` holds it to the
 * generated one in both directions.
 *
 * A tag is (field number << 3 | wire type).
 */

export function writeRequestParts(writer: WireWriter, parts: RequestParts): void {
  if (parts.init !== undefined) {
    writer.beginNested(0x0a);
    writeRequestInit(writer, parts.init);
    writer.endNested();
  }
  if (parts.chunk !== undefined) {
    writer.bytes(0x12, parts.chunk);
  }
  if (parts.end !== undefined) {
    writeEnd(writer, 0x1a, parts.end.trailers);
  }
  if (parts.tunnelChunk !== undefined) {
    writer.bytes(0x22, parts.tunnelChunk);
  }
  if (parts.tunnelEnd === true) {
    writeFlag(writer, 0x28);
  }
}

export function writeResponseParts(writer: WireWriter, parts: ResponseParts): void {
  if (parts.informational !== undefined) {
    for (const informational of parts.informational) {
      writeResponseHead(writer, 0x0a, informational);
    }
  }
  if (parts.init !== undefined) {
    writeResponseHead(writer, 0x12, parts.init);
  }
  if (parts.hijack === true) {
    writeEmpty(writer, 0x1a);
  }
  if (parts.chunk !== undefined) {
    writer.bytes(0x22, parts.chunk);
  }
  if (parts.flush === true) {
    writeFlag(writer, 0x28);
  }
  if (parts.end !== undefined) {
    writeEnd(writer, 0x32, parts.end.trailers);
  }
  if (parts.tunnelChunk !== undefined) {
    writer.bytes(0x3a, parts.tunnelChunk);
  }
  if (parts.tunnelEnd === true) {
    writeFlag(writer, 0x40);
  }
  if (parts.extendHeadMs !== undefined) {
    writer.varint(0x48);
    writer.varint(parts.extendHeadMs);
  }
}

function writeRequestInit(writer: WireWriter, init: RequestInit): void {
  writeText(writer, 0x0a, init.method);
  writeText(writer, 0x12, init.url);
  writeText(writer, 0x1a, init.requestUri);
  writeText(writer, 0x22, init.protocol);
  writeNumber(writer, 0x28, init.protocolMajor);
  writeNumber(writer, 0x30, init.protocolMinor);
  writeText(writer, 0x3a, init.host);
  writeText(writer, 0x42, init.remoteAddress);
  writeFields(writer, 0x4a, init.headers);
  if (init.contentLength !== 0) {
    writer.varint(0x50);
    writer.sint64(init.contentLength);
  }
  writeNumber(writer, 0x58, init.deadlineUnixMs);
  writeText(writer, 0x62, init.requestId);
  for (const name in init.context) {
    writer.beginNested(0x6a);
    writer.utf8(0x0a, name);
    writer.utf8(0x12, init.context[name] as string);
    writer.endNested();
  }
  writeText(writer, 0x72, init.scheme);
  if (init.expectContinue) {
    writeFlag(writer, 0x78);
  }
  if (init.hijackable) {
    writeFlag(writer, 0x80);
  }
  if (init.tunnelHead !== undefined) {
    writer.bytes(0x8a, init.tunnelHead);
  }
}

function writeResponseHead(writer: WireWriter, tag: number, head: ResponseInit): void {
  writer.beginNested(tag);
  if (head.status !== 0) {
    writer.varint(0x08);
    writer.int32(head.status);
  }
  writeFields(writer, 0x12, head.headers);
  writer.endNested();
}

function writeEnd(writer: WireWriter, tag: number, trailers: FieldList): void {
  if (trailers.length === 0) {
    writeEmpty(writer, tag);
    return;
  }
  writer.beginNested(tag);
  writeFields(writer, 0x0a, trailers);
  writer.endNested();
}

function writeFields(writer: WireWriter, tag: number, fields: FieldList): void {
  for (let index = 0; index < fields.length; index += 2) {
    writer.beginNested(tag);
    writer.latin1(0x0a, fields[index] as string);
    writer.latin1(0x12, fields[index + 1] as string);
    writer.endNested();
  }
}

function writeText(writer: WireWriter, tag: number, value: string): void {
  if (value !== "") {
    writer.latin1(tag, value);
  }
}

function writeNumber(writer: WireWriter, tag: number, value: number): void {
  if (value !== 0) {
    writer.varint(tag);
    writer.varint(value);
  }
}

function writeFlag(writer: WireWriter, tag: number): void {
  writer.varint(tag);
  writer.varint(1);
}

function writeEmpty(writer: WireWriter, tag: number): void {
  writer.varint(tag);
  writer.varint(0);
}

/** What a message of the host's says: parts, and on the stream carrier perhaps the reason of a reset. */
export interface ReadRequest {
  parts: RequestParts;
  reset?: ServeHTTPError;
}

/** Reads a `ServeHTTPRequest`. Chunks are views of the buffer. */
export function readRequestMessage(reader: WireReader): ReadRequest {
  const parts: RequestParts = {};
  const message: ReadRequest = { parts };
  while (!reader.done) {
    const tag = reader.varint();
    switch (tag) {
      case 0x0a:
        onlyOnce(parts.init, "init");
        parts.init = readRequestInit(reader.nested());
        break;
      case 0x12:
        onlyOnce(parts.chunk, "chunk");
        parts.chunk = reader.bytes();
        break;
      case 0x1a:
        onlyOnce(parts.end, "end");
        parts.end = readEnd(reader.nested());
        break;
      case 0x22:
        onlyOnce(parts.tunnelChunk, "tunnel_chunk");
        parts.tunnelChunk = reader.bytes();
        break;
      case 0x28:
        if (reader.varint() !== 0) {
          parts.tunnelEnd = true;
        }
        break;
      case 0x32:
        message.reset = readReset(reader.nested(), "caller-left");
        break;
      default:
        reader.skip(tag);
    }
  }
  return message;
}

/** Reads a `ServeHTTPResponse`. Chunks are views of the buffer. */
export function readResponseParts(reader: WireReader): ResponseParts {
  const parts: ResponseParts = {};
  let informational: InformationalResponse[] | undefined;
  while (!reader.done) {
    const tag = reader.varint();
    switch (tag) {
      case 0x0a:
        informational ??= [];
        informational.push(readResponseHead(reader.nested()));
        parts.informational = informational;
        break;
      case 0x12:
        onlyOnce(parts.init, "init");
        parts.init = readResponseHead(reader.nested());
        break;
      case 0x1a:
        reader.skipDelimited();
        parts.hijack = true;
        break;
      case 0x22:
        onlyOnce(parts.chunk, "chunk");
        parts.chunk = reader.bytes();
        break;
      case 0x28:
        if (reader.varint() !== 0) {
          parts.flush = true;
        }
        break;
      case 0x32:
        onlyOnce(parts.end, "end");
        parts.end = readEnd(reader.nested());
        break;
      case 0x3a:
        onlyOnce(parts.tunnelChunk, "tunnel_chunk");
        parts.tunnelChunk = reader.bytes();
        break;
      case 0x40:
        if (reader.varint() !== 0) {
          parts.tunnelEnd = true;
        }
        break;
      case 0x48:
        parts.extendHeadMs = reader.varint();
        break;
      default:
        reader.skip(tag);
    }
  }
  return parts;
}

function readRequestInit(reader: WireReader): RequestInit {
  // One decoding of the whole head; its strings are slices of it.
  const { buffer, offset: base, end } = reader;
  const text = buffer.toString("latin1", base, end);
  const headers: string[] = [];
  let method = "";
  let url = "";
  let requestUri = "";
  let protocol = "";
  let protocolMajor = 0;
  let protocolMinor = 0;
  let host = "";
  let remoteAddress = "";
  let contentLength = 0;
  let deadlineUnixMs = 0;
  let requestId = "";
  let context: Record<string, string> | undefined;
  let scheme = "";
  let expectContinue = false;
  let hijackable = false;
  let tunnelHead: Buffer | undefined;
  while (!reader.done) {
    const tag = reader.varint();
    switch (tag) {
      case 0x0a:
        method = slice(reader, text, base);
        break;
      case 0x12:
        url = slice(reader, text, base);
        break;
      case 0x1a:
        requestUri = slice(reader, text, base);
        break;
      case 0x22:
        protocol = slice(reader, text, base);
        break;
      case 0x28:
        protocolMajor = reader.varint();
        break;
      case 0x30:
        protocolMinor = reader.varint();
        break;
      case 0x3a:
        host = slice(reader, text, base);
        break;
      case 0x42:
        remoteAddress = slice(reader, text, base);
        break;
      case 0x4a:
        readField(reader, text, base, headers);
        break;
      case 0x50:
        contentLength = reader.sint64();
        break;
      case 0x58:
        deadlineUnixMs = reader.varint();
        break;
      case 0x62:
        requestId = slice(reader, text, base);
        break;
      case 0x6a:
        context ??= Object.create(null) as Record<string, string>;
        readContextEntry(reader.nested(), context);
        break;
      case 0x72:
        scheme = slice(reader, text, base);
        break;
      case 0x78:
        expectContinue = reader.varint() !== 0;
        break;
      case 0x80:
        hijackable = reader.varint() !== 0;
        break;
      case 0x8a:
        tunnelHead = reader.bytes();
        break;
      default:
        reader.skip(tag);
    }
  }
  return {
    method,
    url,
    requestUri,
    protocol,
    protocolMajor,
    protocolMinor,
    host,
    remoteAddress,
    headers,
    contentLength,
    deadlineUnixMs,
    requestId,
    context: context ?? noContext,
    scheme: scheme === "https" ? "https" : "http",
    expectContinue,
    hijackable,
    ...(tunnelHead === undefined ? undefined : { tunnelHead }),
  };
}

const noContext: Readonly<Record<string, string>> = Object.freeze(
  Object.create(null) as Record<string, string>,
);

function readContextEntry(reader: WireReader, context: Record<string, string>): void {
  let name = "";
  let value = "";
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) {
      name = reader.utf8();
    } else if (tag === 0x12) {
      value = reader.utf8();
    } else {
      reader.skip(tag);
    }
  }
  context[name] = value;
}

function readResponseHead(reader: WireReader): ResponseInit {
  const { buffer, offset: base, end } = reader;
  const text = buffer.toString("latin1", base, end);
  const headers: string[] = [];
  let status = 0;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x08) {
      status = reader.int32();
    } else if (tag === 0x12) {
      readField(reader, text, base, headers);
    } else {
      reader.skip(tag);
    }
  }
  return { status, headers };
}

function readEnd(reader: WireReader): { trailers: FieldList } {
  if (reader.done) {
    return plainEnd;
  }
  const base = reader.offset;
  const text = reader.buffer.toString("latin1", base, reader.end);
  const trailers: string[] = [];
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) {
      readField(reader, text, base, trailers);
    } else {
      reader.skip(tag);
    }
  }
  return trailers.length === 0 ? { trailers: noFields } : { trailers };
}

/** Appends name and value once for each value of the field. */
function readField(reader: WireReader, text: string, base: number, fields: string[]): void {
  const begin = reader.skipDelimited();
  const fieldEnd = reader.offset;
  reader.offset = begin;
  const first = fields.length;
  let name = "";
  while (reader.offset < fieldEnd) {
    const tag = reader.varint();
    if (tag === 0x0a) {
      name = slice(reader, text, base);
      for (let index = first; index < fields.length; index += 2) {
        // Protobuf lets a writer put values before the name, though none does.
        fields[index] = name;
      }
    } else if (tag === 0x12) {
      fields.push(name, slice(reader, text, base));
    } else {
      reader.skip(tag);
    }
  }
  if (reader.offset !== fieldEnd) {
    throw new ServeHTTPError("protocol-violation", "malformed message: a field beyond its list");
  }
  if (fields.length > 2 * fieldCountMax) {
    throw new ServeHTTPError("protocol-violation", `more than ${fieldCountMax} header fields`);
  }
}

function slice(reader: WireReader, text: string, base: number): string {
  const begin = reader.skipDelimited();
  return text.substring(begin - base, reader.offset - base);
}

function onlyOnce(part: unknown, name: string): void {
  if (part !== undefined) {
    throw new ServeHTTPError("protocol-violation", `${name} twice in one message`);
  }
}

/** `ResetCode` by number; what isn't here is read as the side's default. */
const codeByNumber: ReadonlyMap<number, ErrorCode> = new Map<number, ErrorCode>([
  [1, "caller-left"],
  [2, "deadline"],
  [3, "host-stopping"],
  [4, "plugin-closing"],
  [5, "handler-failed"],
  [6, "protocol-violation"],
  [7, "request-not-needed"],
]);

const numberByCode: ReadonlyMap<ErrorCode, number> = new Map(
  Array.from(codeByNumber, ([number, code]) => [code, number]),
);

/** Writes a `Reset`. Codes that the wire has no number for travel as unspecified, and no message ever does. */
export function writeReset(writer: WireWriter, tag: number, error: ServeHTTPError): void {
  writer.beginNested(tag);
  writeNumber(writer, 0x08, numberByCode.get(error.code) ?? 0);
  if (error.code === "protocol-violation") {
    // Our own words about the other side's frames: nothing of a handler or a caller is in them.
    writer.utf8(0x12, error.message.slice(0, reasonBytesMax / 4));
  }
  writer.endNested();
}

/** Reads a `Reset`; `unspecified` is what a code of 0, or one that we don't know, means on this side. */
export function readReset(reader: WireReader, unspecified: ErrorCode): ServeHTTPError {
  let code: ErrorCode = unspecified;
  let message = "";
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x08) {
      code = codeByNumber.get(reader.varint()) ?? unspecified;
    } else if (tag === 0x12) {
      message = reader.utf8();
    } else {
      reader.skip(tag);
    }
  }
  return new ServeHTTPError(code, message === "" ? `the other side gave up: ${code}` : message);
}

