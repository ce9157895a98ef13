/**
 * Writes gRPC messages in the protobuf wire format into slabs that it hands out slice by slice, and
 * never copies a large chunk of body: a message is a list of buffers, to be written corked.
 *
 * Hot path: one message costs no allocation but its own slices. `npm run bench -- --case get` shows
 * it.
 */

/** The size of a slab. It takes the strings, heads and small bodies of many messages. */
const slabBytes = 65_536;

/**
 * Longer bodies are passed by reference: up to this size a copy is cheaper than one more buffer.
 */
const copiedBytesMax = 4_096;

/**
 * The length of a nested message is written as a varint padded to four bytes, enough for 256 MiB.
 */
const nestedLengthBytes = 4;

export const grpcPrefixBytes = 5;

/** How many bytes a length takes as a varint. */
function varintBytes(length: number): number {
  return length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 4;
}

interface Mark {
  slab: Buffer;
  offset: number;
  /** Bytes of the message before the mark. */
  before: number;
}

export class WireWriter {
  readonly #headroomBytes: number;
  #slab = Buffer.allocUnsafeSlow(slabBytes);
  /** Where the slice that is being written begins. */
  #start = 0;
  #offset = 0;
  #segments: Buffer[] = [];
  /** Bytes in `#segments`. */
  #segmentBytes = 0;
  readonly #marks: Mark[] = [];
  #depth = 0;

  /**
   * How many bytes each message leaves free at its beginning for a frame, unless `beginMessage`
   * says otherwise.
   */
  constructor(headroomBytes = 0) {
    this.#headroomBytes = headroomBytes;
  }

  /** Bytes of the message so far, its gRPC prefix and the bytes left free included. */
  get messageBytes(): number {
    return this.#segmentBytes + this.#offset - this.#start;
  }

  /**
   * Begins a gRPC message. `endMessage` fills in the five bytes of its prefix. `headroomBytes`
   * bytes in front of it are left free.
   */
  beginMessage(headroomBytes = this.#headroomBytes): void {
    if (this.#depth > 0) {
      // A message that was begun before failed halfway. Nothing of it may show in this one.
      this.dropMessage();
    }
    this.#reserve(headroomBytes + grpcPrefixBytes);
    this.#offset += headroomBytes;
    this.#begin();
    this.#offset += grpcPrefixBytes;
  }

  /** Drops the message that was begun. */
  dropMessage(): void {
    this.#depth = 0;
    this.#offset = this.#start;
    this.#segments = [];
    this.#segmentBytes = 0;
  }

  /**
   * Ends the message. Returns its buffers, to be written in this order; the bytes left free and the
   * prefix are included.
   */
  endMessage(): Buffer[] {
    const mark = this.#end();
    const length = this.messageBytes - mark.before - grpcPrefixBytes;
    mark.slab[mark.offset] = 0;
    mark.slab.writeUInt32BE(length, mark.offset + 1);
    this.#cut();
    const segments = this.#segments;
    this.#segments = [];
    this.#segmentBytes = 0;
    return segments;
  }

  /** Begins a nested message under a tag. */
  beginNested(tag: number): void {
    this.varint(tag);
    this.#reserve(nestedLengthBytes);
    this.#begin();
    this.#offset += nestedLengthBytes;
  }

  endNested(): void {
    const mark = this.#end();
    const length = this.messageBytes - mark.before - nestedLengthBytes;
    const { slab, offset } = mark;
    slab[offset] = (length & 0x7f) | 0x80;
    slab[offset + 1] = ((length >>> 7) & 0x7f) | 0x80;
    slab[offset + 2] = ((length >>> 14) & 0x7f) | 0x80;
    slab[offset + 3] = (length >>> 21) & 0x7f;
  }

  /** A whole number from 0 to 2^53 - 1. */
  varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest > 0x7f) {
      this.#slab[this.#offset++] = (rest % 0x80) | 0x80;
      rest = rest < 0x8000_0000 ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    this.#slab[this.#offset++] = rest;
  }

  /** An `int32` field. A negative one takes ten bytes in protobuf. */
  int32(value: number): void {
    if (value >= 0) {
      this.varint(value);
      return;
    }
    this.#reserve(10);
    for (let shift = 0; shift < 63; shift += 7) {
      // The number is sign-extended to 64 bits: all bits above the 32nd are ones.
      const bits =
        shift < 28 ? (value >> shift) & 0x7f : shift === 28 ? (value >> 28) & 0x7f : 0x7f;
      this.#slab[this.#offset++] = bits | 0x80;
    }
    this.#slab[this.#offset++] = 1;
  }

  /** A `sint64` field, from -2^52 to 2^52 - 1. */
  sint64(value: number): void {
    this.varint(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  /** A string of one character a byte. */
  latin1(tag: number, value: string): void {
    const { length } = value;
    this.#reserve(length + 20);
    this.varint(tag);
    this.varint(length);
    this.#offset += this.#slab.write(value, this.#offset, length, "latin1");
  }

  /**
   * A nested message of two strings of one character a byte, the first one under the tag 0x0a and
   * the second one under 0x12: a header field. Its length is known before it is written.
   */
  latin1Pair(tag: number, first: string, second: string): void {
    const firstBytes = 1 + varintBytes(first.length) + first.length;
    const secondBytes = 1 + varintBytes(second.length) + second.length;
    this.#reserve(firstBytes + secondBytes + 20);
    this.varint(tag);
    this.varint(firstBytes + secondBytes);
    this.latin1(0x0a, first);
    this.latin1(0x12, second);
  }

  utf8(tag: number, value: string): void {
    const length = Buffer.byteLength(value);
    this.#reserve(length + 20);
    this.varint(tag);
    this.varint(length);
    this.#offset += this.#slab.write(value, this.#offset, length, "utf8");
  }

  /** Whole fields, tags included, that were written before. */
  encoded(fields: Uint8Array): void {
    this.#reserve(fields.length);
    this.#slab.set(fields, this.#offset);
    this.#offset += fields.length;
  }

  /** Bytes; long ones are not copied. */
  bytes(tag: number, value: Uint8Array): void {
    const { length } = value;
    if (length <= copiedBytesMax) {
      this.#reserve(length + 20);
      this.varint(tag);
      this.varint(length);
      this.#slab.set(value, this.#offset);
      this.#offset += length;
      return;
    }
    this.#reserve(20);
    this.varint(tag);
    this.varint(length);
    this.#cut();
    this.#push(Buffer.from(value.buffer, value.byteOffset, length));
  }

  #begin(): void {
    let mark = this.#marks[this.#depth];
    if (mark === undefined) {
      mark = { slab: this.#slab, offset: 0, before: 0 };
      this.#marks.push(mark);
    }
    mark.slab = this.#slab;
    mark.offset = this.#offset;
    mark.before = this.messageBytes;
    this.#depth += 1;
  }

  #end(): Mark {
    this.#depth -= 1;
    const mark = this.#marks[this.#depth];
    if (mark === undefined) {
      throw new RangeError("end without begin");
    }
    return mark;
  }

  /** Makes room for so many bytes behind the offset, in one slab. */
  #reserve(length: number): void {
    if (this.#offset + length <= this.#slab.length) {
      return;
    }
    this.#cut();
    this.#slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, length));
    this.#start = 0;
    this.#offset = 0;
  }

  /** Adds what was written to the slab since the last cut to the message. */
  #cut(): void {
    if (this.#offset > this.#start) {
      this.#push(this.#slab.subarray(this.#start, this.#offset));
      this.#start = this.#offset;
    }
  }

  #push(segment: Buffer): void {
    this.#segments.push(segment);
    this.#segmentBytes += segment.length;
  }
}
