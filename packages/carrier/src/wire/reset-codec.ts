import {
  type ErrorCode,
  type ExchangeErrorCode,
  reasonBytesMax,
  ServeHTTPError,
} from "@servehttp/contract";
import type { WireReader } from "./wire-reader.js";
import type { WireWriter } from "./wire-writer.js";

/** The codes by their number in `ResetCode`. Other numbers are read as unspecified. */
const codeByNumber: ReadonlyMap<number, ExchangeErrorCode> = new Map<number, ExchangeErrorCode>([
  [1, "client-disconnected"],
  [2, "deadline"],
  [3, "host-stopping"],
  [4, "plugin-closing"],
  [5, "handler-failed"],
  [6, "protocol-violation"],
  [7, "request-not-needed"],
  [8, "overload"],
]);

const numberByCode: ReadonlyMap<ErrorCode, number> = new Map(
  Array.from(codeByNumber, ([number, code]) => [code, number]),
);

/**
 * Writes a `Reset`. A code without a number on the wire travels as unspecified. A message travels
 * only with a violation.
 */
export function writeReset(writer: WireWriter, tag: number, error: ServeHTTPError): void {
  writer.beginNested(tag);
  const number = numberByCode.get(error.code);
  if (number !== undefined) {
    writer.varint(0x08);
    writer.varint(number);
  }
  if (error.code === "protocol-violation") {
    // These are our own words about the other end's frames, with nothing of a handler or a client
    // in them.
    writer.utf8(0x12, error.message.slice(0, reasonBytesMax / 4));
  }
  writer.endNested();
}

/**
 * Reads a `Reset`. `unspecified` is the code for a number of 0, or one that we don't know. Of a
 * message longer than `reasonBytesMax`, only the beginning is read.
 */
export function readReset(reader: WireReader, unspecified: ExchangeErrorCode): ServeHTTPError {
  let code: ExchangeErrorCode = unspecified;
  let message = "";
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x08) {
      code = codeByNumber.get(reader.varint()) ?? unspecified;
    } else if (tag === 0x12) {
      message = reader.bytes().toString("utf8", 0, reasonBytesMax);
    } else {
      reader.skip(tag);
    }
  }
  return new ServeHTTPError(code, message === "" ? `the other side gave up: ${code}` : message);
}
