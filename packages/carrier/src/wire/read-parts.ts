import {
  type FieldList,
  type InformationalResponse,
  type RequestInit,
  type RequestParts,
  type ResponseInit,
  type ResponseParts,
  fieldCountMax,
  noFields,
  plainEnd,
  ServeHTTPError,
} from "@servehttp/contract";
import type { RepeatedHeads } from "./repeated-heads.js";
import { readReset } from "./reset-codec.js";
import type { WireReader } from "./wire-reader.js";

/* Reads the messages of `exchange.proto`, by hand for speed: see `write-parts.ts`. */

/** The fields of a `ServeHTTPRequest` whose bytes may be handed on in pieces. */
export const requestPieceTags = { chunk: 0x12, tunnelChunk: 0x22 } as const;

/** The fields of a `ServeHTTPResponse` whose bytes may be handed on in pieces. */
export const responsePieceTags = { chunk: 0x22, tunnelChunk: 0x3a } as const;

/** A message of the host: parts, and on the stream carrier perhaps a reset. */
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
        message.reset = readReset(reader.nested(), "client-disconnected");
        break;
      default:
        reader.skip(tag);
    }
  }
  return message;
}

/**
 * Reads a `ServeHTTPResponse`. Chunks are views of the buffer. Final heads come from `heads` where
 * they are known.
 */
export function readResponseParts(reader: WireReader, heads?: RepeatedHeads): ResponseParts {
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
      case 0x12: {
        onlyOnce(parts.init, "init");
        const outerEnd = reader.enter();
        parts.init =
          heads === undefined ? readResponseHead(reader) : heads.read(reader, readResponseHead);
        reader.leave(outerEnd);
        break;
      }
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
      case 0x32: {
        onlyOnce(parts.end, "end");
        const outerEnd = reader.enter();
        parts.end = readEnd(reader);
        reader.leave(outerEnd);
        break;
      }
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
  // The whole head is decoded once; its strings are slices of that.
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
  let basePath = "";
  let fullPath = false;
  let calledBy = "";
  let clientConnectionId = "";
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
        deadlineUnixMs = reader.int64();
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
      case 0x92:
        basePath = slice(reader, text, base);
        break;
      case 0x98:
        fullPath = reader.varint() !== 0;
        break;
      case 0xa2:
        calledBy = slice(reader, text, base);
        break;
      case 0xaa:
        clientConnectionId = slice(reader, text, base);
        break;
      default:
        reader.skip(tag);
    }
  }
  return {
    method,
    url,
    requestUri,
    basePath,
    fullPath,
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
    clientConnectionId: clientConnectionId === "" ? undefined : clientConnectionId,
    ...(tunnelHead === undefined ? undefined : { tunnelHead }),
    ...(calledBy === "" ? undefined : { calledBy }),
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
  let reason = "";
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x08) {
      status = reader.int32();
    } else if (tag === 0x12) {
      readField(reader, text, base, headers);
    } else if (tag === 0x1a) {
      reason = slice(reader, text, base);
    } else {
      reader.skip(tag);
    }
  }
  return reason === "" ? { status, headers } : { status, headers, reason };
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

/** Appends a pair of name and value for each value of the field. */
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
    } else if (tag === 0x12) {
      fields.push("", slice(reader, text, base));
      if (fields.length > 2 * fieldCountMax) {
        throw new ServeHTTPError("protocol-violation", `more than ${fieldCountMax} header fields`);
      }
    } else {
      reader.skip(tag);
    }
  }
  if (reader.offset !== fieldEnd) {
    throw new ServeHTTPError("protocol-violation", "malformed message: a field beyond its list");
  }
  // Protobuf lets a writer put values before the name, or the name twice. The last name counts.
  for (let index = first; index < fields.length; index += 2) {
    fields[index] = name;
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
