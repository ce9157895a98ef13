import { ServeHTTPError } from "@servehttp/contract";
import { viewOrCopy } from "./view-or-copy.js";

/** Reads the protobuf wire format. Malformed input is a `protocol-violation`. */
export class WireReader {
  buffer: Buffer;
  offset: number;
  #end: number;

  constructor(buffer: Buffer, offset = 0, end = buffer.length) {
    this.buffer = buffer;
    this.offset = offset;
    this.#end = end;
  }

  /** Where the message ends. */
  get end(): number {
    return this.#end;
  }

  /** Reads something else from here on. Returns itself. */
  readAt(buffer: Buffer, offset: number, end: number): this {
    this.buffer = buffer;
    this.offset = offset;
    this.#end = end;
    return this;
  }

  get done(): boolean {
    return this.offset >= this.#end;
  }

  /** Reads a tag, or a varint of up to 64 bits. Exact up to 2^53. */
  varint(): number {
    const { buffer } = this;
    const end = this.#end;
    let { offset } = this;
    let value = 0;
    let factor = 1;
    for (;;) {
      if (offset >= end || offset - this.offset === 10) {
        throw malformed("a number without an end");
      }
      const octet = buffer[offset++] as number;
      value += (octet & 0x7f) * factor;
      if (octet < 0x80) {
        this.offset = offset;
        return value;
      }
      factor *= 0x80;
    }
  }

  int32(): number {
    const { buffer } = this;
    const end = this.#end;
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.offset >= end) {
        break;
      }
      const octet = buffer[this.offset++] as number;
      if (shift < 32) {
        value |= (octet & 0x7f) << shift;
      }
      if (octet < 0x80) {
        return value;
      }
    }
    throw malformed("a number without an end");
  }

  /** Reads an `int64`. Exact up to 2^53 in either direction. */
  int64(): number {
    const begin = this.offset;
    const value = this.varint();
    return value <= Number.MAX_SAFE_INTEGER
      ? value
      : Number(BigInt.asIntN(64, this.#bigVarint(begin)));
  }

  /** Reads a `sint64`. Exact up to 2^52 in either direction. */
  sint64(): number {
    const begin = this.offset;
    const value = this.varint();
    if (value <= Number.MAX_SAFE_INTEGER) {
      return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    const bits = BigInt.asUintN(64, this.#bigVarint(begin));
    return Number(bits % 2n === 0n ? bits / 2n : -(bits + 1n) / 2n);
  }

  /**
   * Skips a length and the bytes that it counts. Returns where the bytes begin; `offset` is where
   * they end.
   */
  skipDelimited(): number {
    const length = this.varint();
    const begin = this.offset;
    if (length > this.#end - begin) {
      throw malformed("a field that is longer than its message");
    }
    this.offset = begin + length;
    return begin;
  }

  /** Reads bytes, as a view unless it would keep much more in memory. */
  bytes(): Buffer {
    const begin = this.skipDelimited();
    return viewOrCopy(this.buffer, begin, this.offset);
  }

  utf8(): string {
    const begin = this.skipDelimited();
    return this.buffer.toString("utf8", begin, this.offset);
  }

  /**
   * Reads no further than the nested message that begins here, until `leave`. Returns the end of the
   * message around it.
   */
  enter(): number {
    const outerEnd = this.#end;
    const begin = this.skipDelimited();
    this.#end = this.offset;
    this.offset = begin;
    return outerEnd;
  }

  /** Goes on behind the nested message, which ends where it ends, whatever was read of it. */
  leave(outerEnd: number): void {
    this.offset = this.#end;
    this.#end = outerEnd;
  }

  /** Returns a reader of the nested message that begins here. */
  nested(): WireReader {
    const begin = this.skipDelimited();
    return new WireReader(this.buffer, begin, this.offset);
  }

  /**
   * Skips a field that this version does not know. Groups, which proto3 does not have, are refused.
   */
  skip(tag: number): void {
    if (tag < 8) {
      throw malformed("a field without a number");
    }
    switch (tag & 7) {
      case 0:
        this.varint();
        return;
      case 1:
        this.offset += 8;
        break;
      case 2:
        this.skipDelimited();
        return;
      case 5:
        this.offset += 4;
        break;
      default:
        throw malformed(`a field of wire type ${tag & 7}`);
    }
    if (this.offset > this.#end) {
      throw malformed("a field that is longer than its message");
    }
  }

  /** Reads the varint from `begin` to `offset`. */
  #bigVarint(begin: number): bigint {
    let value = 0n;
    for (let at = this.offset - 1; at >= begin; at -= 1) {
      value = (value << 7n) | BigInt((this.buffer[at] as number) & 0x7f);
    }
    return value;
  }
}

function malformed(what: string): ServeHTTPError {
  return new ServeHTTPError("protocol-violation", `malformed message: ${what}`);
}
