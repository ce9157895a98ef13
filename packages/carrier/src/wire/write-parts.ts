import {
  type FieldList,
  memoOf,
  type RepeatedHead,
  type RequestInit,
  type RequestParts,
  type ResponseInit,
  type ResponseParts,
} from "@servehttp/contract";
import { grpcPrefixBytes, WireWriter } from "./wire-writer.js";

/*
 * Writes the messages of `exchange.proto`, by hand for speed: the generated codec takes more time
 * for one of them than everything else in an exchange. `part-codec.test.ts` compares both.
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

/** What a client repeats with each request is encoded once. */
function writeRequestInit(writer: WireWriter, init: RequestInit): void {
  writeNumber(writer, 0x58, init.deadlineUnixMs);
  writeText(writer, 0x62, init.requestId);
  for (const name in init.context) {
    writer.beginNested(0x6a);
    writer.utf8(0x0a, name);
    writer.utf8(0x12, init.context[name] as string);
    writer.endNested();
  }
  const { repeats } = init;
  if (repeats === undefined) {
    writeRepeated(writer, init);
  } else {
    writer.encoded(repeats.encoded ?? encodeRepeated(init, repeats));
  }
}

function encodeRepeated(init: RequestInit, repeats: RepeatedHead): Uint8Array {
  repeats.encoded = encodedBy((apart) => writeRepeated(apart, init));
  return repeats.encoded;
}

/** All but what is new in each request (`RepeatedHead`). */
function writeRepeated(writer: WireWriter, init: RequestInit): void {
  writeText(writer, 0x0a, init.method);
  writeText(writer, 0x12, init.url);
  writeText(writer, 0x1a, init.requestUri);
  writeText(writer, 0x22, init.protocol);
  writeNumber(writer, 0x28, init.protocolMajor);
  writeNumber(writer, 0x30, init.protocolMinor);
  writeText(writer, 0x3a, init.host);
  writeText(writer, 0x42, init.remoteAddress);
  writeHeaders(writer, init);
  if (init.contentLength !== 0) {
    writer.varint(0x50);
    writer.sint64(init.contentLength);
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
  writeText(writer, 0x92, init.basePath);
  if (init.fullPath) {
    writeFlag(writer, 0x98);
  }
  if (init.calledBy !== undefined) {
    writer.latin1(0xa2, init.calledBy);
  }
  if (init.clientConnectionId !== undefined) {
    writer.latin1(0xaa, init.clientConnectionId);
  }
}

/** Fields that come again and again are encoded once. */
function writeHeaders(
  writer: WireWriter,
  { headers, headersBegin, headersMemo }: RequestInit,
): void {
  const repeated = headersBegin ?? headers;
  const memo = memoOf(repeated, headersMemo);
  if (memo === undefined) {
    writeFields(writer, headersTag, headers);
    return;
  }
  memo.made ??= encodedFields(repeated);
  writer.encoded(memo.made as Buffer);
  if (headersBegin !== undefined) {
    writeFields(writer, headersTag, headers, headersBegin.length);
  }
}

function encodedFields(fields: FieldList): Buffer {
  return encodedBy((apart) => writeFields(apart, headersTag, fields));
}

/** What is written, to be written again and again. */
function encodedBy(write: (writer: WireWriter) => void): Buffer {
  // While it is in use, another one is made.
  const writer = spareWriter ?? new WireWriter();
  spareWriter = undefined;
  writer.beginMessage();
  write(writer);
  const bytes = Buffer.concat(writer.endMessage()).subarray(grpcPrefixBytes);
  spareWriter = writer;
  return bytes;
}

let spareWriter: WireWriter | undefined;

const headersTag = 0x4a;

function writeResponseHead(writer: WireWriter, tag: number, head: ResponseInit): void {
  writer.beginNested(tag);
  if (head.status !== 0) {
    writer.varint(0x08);
    writer.int32(head.status);
  }
  writeFields(writer, 0x12, head.headers);
  if (head.reason !== undefined) {
    writer.latin1(0x1a, head.reason);
  }
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

/** @param from how many of their names and values are left out */
function writeFields(writer: WireWriter, tag: number, fields: FieldList, from = 0): void {
  for (let index = from; index < fields.length; index += 2) {
    writer.latin1Pair(tag, fields[index] as string, fields[index + 1] as string);
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
