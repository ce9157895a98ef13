import {
  bodyChunkBytesMax,
  type ExchangeErrorCode,
  muxMessageBytesMax,
  ServeHTTPError,
} from "@servehttp/contract";
import { readReset } from "../wire/reset-codec.js";
import { viewOrCopy } from "../wire/view-or-copy.js";
import { WireReader } from "../wire/wire-reader.js";

/**
 * What the other end sends about one exchange: a frame, or a piece of one that has not come in
 * full. It counts until the next one is read.
 */
export interface IncomingFrame {
  readonly exchangeId: number;
  /** Reads the parts, by whoever knows their direction. Undefined where `piece` is set. */
  readonly parts: WireReader | undefined;
  /**
   * Bytes of a chunk of body or tunnel that has not come in full. They follow the parts of this
   * exchange that were read before.
   */
  readonly piece: Buffer | undefined;
  /** The tag of the field to which the piece belongs. */
  readonly pieceTag: number;
  readonly creditBytes: number;
  readonly reset: ServeHTTPError | undefined;
  /** What is wrong with the parts, where they can't be read. It concerns this exchange only. */
  readonly broken: ServeHTTPError | undefined;
}

/**
 * The tags of the fields of `ServeHTTPMuxRequest`, `ServeHTTPMuxResponse` and their frames, which
 * are the same.
 */
export const muxTags = {
  frames: 0x0a,
  draining: 0x10,
  exchangeId: 0x08,
  parts: 0x12,
  creditBytes: 0x18,
  reset: 0x22,
} as const;

/** The fields of a direction's parts whose bytes may be handed on in pieces. */
export interface PieceTags {
  readonly chunk: number;
  readonly tunnelChunk: number;
}

const prefixBytes = 5;

/**
 * The smallest piece of a chunk that is handed on, unless the chunk ends with it: 4 KiB. Each piece
 * costs a write to the client, and a sender may cut its chunk into single bytes.
 */
const pieceBytesMin = 4_096;

const nothing = Buffer.alloc(0);

const emptyFrame: IncomingFrame = {
  exchangeId: 0,
  parts: undefined,
  piece: undefined,
  pieceTag: 0,
  creditBytes: 0,
  reset: undefined,
  broken: undefined,
};

/** The next field. Its tag and length have come, its body may not have. */
interface Field {
  readonly tag: number;
  readonly headBytes: number;
  readonly bodyBytes: number;
  readonly whole: boolean;
  /** Reads the body, as far as it has come. */
  readonly reader: WireReader;
}

/** A field that is used again. */
type Found = { -readonly [Key in keyof Field]: Field[Key] };

/**
 * Reads the frames of a mux RPC as their bytes come. A message that lies in one piece of input, as
 * all small ones do, is read frame by frame. Of a longer message, the bytes of chunks are handed on
 * as views of the input, as soon as they are there: to put the message together first would copy
 * every byte and allocate as many.
 *
 * Feed it with `push`, then take frames with `next` until there is none. `bench -- --case up,down`
 * shows what this saves.
 *
 *   prefix  -> message  [a message begins]
 *   message -> prefix   [it is over]
 *   message -> frame    [a frame begins that has not come in full]
 *   frame   -> message  [it is over]
 *   frame   -> parts    [its parts begin, and have not come in full]
 *   parts   -> frame    [they are over]
 *   parts   -> chunk    [bytes begin]
 *   chunk   -> parts    [they are over]
 */
export class MuxFrameReader {
  readonly #tags: PieceTags;
  readonly #unspecifiedReset: ExchangeErrorCode;
  #input: Buffer = nothing;
  #offset = 0;
  /** A field that must be read as a whole, and how many of its bytes have come. */
  #whole: Buffer | undefined;
  #wholeBytes = 0;
  /** The rest of the input that completed the field above. */
  #behind: Buffer | undefined;
  #level: "prefix" | "message" | "frame" | "parts" | "chunk" = "prefix";
  /** Bytes that are still to come at each level. */
  #messageLeft = 0;
  #frameLeft = 0;
  #partsLeft = 0;
  #chunkLeft = 0;
  #exchangeId = 0;
  #pieceTag = 0;
  #draining = false;
  /** Used again for each field and each frame, so that a small exchange allocates none of them. */
  readonly #head = new WireReader(nothing);
  readonly #found: Found = {
    tag: 0,
    headBytes: 0,
    bodyBytes: 0,
    whole: false,
    reader: new WireReader(nothing),
  };
  readonly #parts = new WireReader(nothing);
  readonly #frame: { -readonly [Key in keyof IncomingFrame]: IncomingFrame[Key] } = {
    ...emptyFrame,
  };

  /** `unspecifiedReset` is what a reset without a code means at this end. */
  constructor(tags: PieceTags, unspecifiedReset: ExchangeErrorCode) {
    this.#tags = tags;
    this.#unspecifiedReset = unspecifiedReset;
  }

  /** Whether the other end said that it is draining. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Adds input. Only when `next` has returned undefined. */
  push(input: Buffer): void {
    const whole = this.#whole;
    if (whole === undefined) {
      // What is left of the last input is at most the prefix of a message, or the tag and length of
      // a field.
      this.#input =
        this.#offset === this.#input.length
          ? input
          : Buffer.concat([this.#input.subarray(this.#offset), input]);
      this.#offset = 0;
      return;
    }
    const taken = input.copy(whole, this.#wholeBytes);
    this.#wholeBytes += taken;
    if (this.#wholeBytes === whole.length) {
      this.#whole = undefined;
      this.#input = whole;
      this.#behind = taken === input.length ? undefined : input.subarray(taken);
    }
  }

  /**
   * The next frame, or piece of one; undefined when more input is needed.
   *
   * @throws ServeHTTPError `protocol-violation` for what is malformed, compressed or over a limit.
   */
  next(): IncomingFrame | undefined {
    for (;;) {
      let frame: IncomingFrame | "more" | undefined;
      switch (this.#level) {
        case "prefix":
          frame = this.#readPrefix();
          break;
        case "message":
          frame = this.#messageLeft === 0 ? this.#leave("prefix") : this.#readMessageField();
          break;
        case "frame":
          frame = this.#frameLeft === 0 ? this.#leave("message") : this.#readFrameField();
          break;
        case "parts":
          frame = this.#partsLeft === 0 ? this.#leave("frame") : this.#readPartsField();
          break;
        case "chunk":
          frame = this.#chunkLeft === 0 ? this.#leave("parts") : this.#readPiece();
          break;
      }
      if (frame === "more") {
        if (this.#behind === undefined) {
          this.#keepRest();
          return undefined;
        }
        this.#input = this.#behind;
        this.#offset = 0;
        this.#behind = undefined;
      } else if (frame !== undefined) {
        return frame;
      }
    }
  }

  /** Copies the few bytes that are left: the memory of the input may be freed. */
  #keepRest(): void {
    const isRead = this.#offset === this.#input.length;
    this.#input = isRead ? nothing : Buffer.from(this.#input.subarray(this.#offset));
    this.#offset = 0;
  }

  #leave(level: "prefix" | "message" | "frame" | "parts"): undefined {
    this.#level = level;
  }

  #readPrefix(): "more" | undefined {
    const input = this.#input;
    const at = this.#offset;
    if (input.length - at < prefixBytes) {
      return "more";
    }
    if (input[at] !== 0) {
      throw violation(`a message with compression flag ${input[at]}, though none was agreed on`);
    }
    const length = input.readUInt32BE(at + 1);
    if (length > muxMessageBytesMax) {
      throw violation(`a message of ${length} bytes; at most ${muxMessageBytesMax} are allowed`);
    }
    this.#offset += prefixBytes;
    this.#messageLeft = length;
    this.#level = "message";
    return undefined;
  }

  #readMessageField(): IncomingFrame | "more" | undefined {
    const field = this.#field(this.#messageLeft);
    if (field === undefined) {
      return "more";
    }
    if (field.tag === muxTags.frames) {
      if (field.whole) {
        this.#messageLeft -= this.#take(field);
        return this.#readFrame(field.reader);
      }
      this.#messageLeft -= field.headBytes + field.bodyBytes;
      this.#offset += field.headBytes;
      this.#frameLeft = field.bodyBytes;
      this.#exchangeId = 0;
      this.#level = "frame";
      return undefined;
    }
    if (!field.whole) {
      return this.#putTogether(field.headBytes + field.bodyBytes);
    }
    if (field.tag === muxTags.draining && field.reader.varint() !== 0) {
      this.#draining = true;
    }
    this.#messageLeft -= this.#take(field);
    return undefined;
  }

  #readFrameField(): IncomingFrame | "more" | undefined {
    const field = this.#field(this.#frameLeft);
    if (field === undefined) {
      return "more";
    }
    if (field.tag === muxTags.parts && !field.whole) {
      checkExchangeId(this.#exchangeId);
      this.#frameLeft -= field.headBytes + field.bodyBytes;
      this.#offset += field.headBytes;
      this.#partsLeft = field.bodyBytes;
      this.#level = "parts";
      return undefined;
    }
    if (!field.whole) {
      return this.#putTogether(field.headBytes + field.bodyBytes);
    }
    this.#frameLeft -= this.#take(field);
    const { reader, tag } = field;
    if (tag === muxTags.exchangeId) {
      this.#exchangeId = reader.varint();
      checkExchangeId(this.#exchangeId);
      return undefined;
    }
    checkExchangeId(this.#exchangeId);
    const exchangeId = this.#exchangeId;
    switch (tag) {
      case muxTags.parts:
        return { ...emptyFrame, exchangeId, parts: reader };
      case muxTags.creditBytes:
        return { ...emptyFrame, exchangeId, creditBytes: reader.varint() };
      case muxTags.reset:
        return { ...emptyFrame, exchangeId, reset: readReset(reader, this.#unspecifiedReset) };
      default:
        return undefined;
    }
  }

  #readPartsField(): IncomingFrame | "more" | undefined {
    const field = this.#field(this.#partsLeft);
    if (field === undefined) {
      return "more";
    }
    if (field.tag === this.#tags.chunk || field.tag === this.#tags.tunnelChunk) {
      this.#partsLeft -= field.headBytes + field.bodyBytes;
      this.#offset += field.headBytes;
      this.#chunkLeft = field.bodyBytes;
      this.#pieceTag = field.tag;
      this.#level = "chunk";
      if (field.bodyBytes === 0 || field.bodyBytes > bodyChunkBytesMax) {
        // The same error as where the chunk comes in one piece and its order is checked. The
        // exchange is over then, and ignores the bytes that follow.
        const problem = `chunk of ${field.bodyBytes} bytes: allowed are 1 to ${bodyChunkBytesMax}`;
        return { ...emptyFrame, exchangeId: this.#exchangeId, broken: violation(problem) };
      }
      return undefined;
    }
    if (!field.whole) {
      return this.#putTogether(field.headBytes + field.bodyBytes);
    }
    const begin = this.#offset;
    this.#partsLeft -= this.#take(field);
    const parts = new WireReader(this.#input, begin, this.#offset);
    return { ...emptyFrame, exchangeId: this.#exchangeId, parts };
  }

  #readPiece(): IncomingFrame | "more" {
    const bytes = Math.min(this.#chunkLeft, this.#input.length - this.#offset);
    const bytesMin = Math.min(this.#chunkLeft, pieceBytesMin);
    if (bytes < bytesMin) {
      return bytes === 0 ? "more" : this.#putTogether(bytesMin);
    }
    const piece = viewOrCopy(this.#input, this.#offset, this.#offset + bytes);
    this.#offset += bytes;
    this.#chunkLeft -= bytes;
    return { ...emptyFrame, exchangeId: this.#exchangeId, piece, pieceTag: this.#pieceTag };
  }

  /**
   * Reads the tag and length of the next field, which must end within `left` bytes. Undefined when
   * they have not come in full.
   */
  #field(left: number): Field | undefined {
    const available = Math.min(left, this.#input.length - this.#offset);
    const reader = this.#head.readAt(this.#input, this.#offset, this.#offset + available);
    if (!hasVarint(this.#input, reader.offset, reader.end)) {
      return available < left ? undefined : malformedField();
    }
    const tag = reader.varint();
    if ((tag & 7) !== 2) {
      return this.#scalarField(reader, tag, available, left);
    }
    if (!hasVarint(this.#input, reader.offset, reader.end)) {
      return available < left ? undefined : malformedField();
    }
    const bodyBytes = reader.varint();
    const headBytes = reader.offset - this.#offset;
    if (bodyBytes > left - headBytes) {
      throw violation("malformed message: a field that is longer than what it is in");
    }
    const whole = headBytes + bodyBytes <= available;
    const begin = this.#offset + headBytes;
    const found = this.#found;
    found.tag = tag;
    found.headBytes = headBytes;
    found.bodyBytes = bodyBytes;
    found.whole = whole;
    found.reader.readAt(this.#input, begin, Math.min(begin + bodyBytes, this.#input.length));
    return found;
  }

  /** Reads a field that is a number or has a fixed length. */
  #scalarField(
    reader: WireReader,
    tag: number,
    available: number,
    left: number,
  ): Field | undefined {
    const begin = reader.offset;
    if ((tag & 7) === 0 && !hasVarint(this.#input, begin, reader.end)) {
      return available < left ? undefined : malformedField();
    }
    const fixedBytes = (tag & 7) === 1 ? 8 : (tag & 7) === 5 ? 4 : 0;
    if (fixedBytes > reader.end - begin) {
      return available < left ? undefined : malformedField();
    }
    reader.skip(tag);
    const headBytes = begin - this.#offset;
    const body = new WireReader(this.#input, begin, reader.offset);
    return { tag, headBytes, bodyBytes: reader.offset - begin, whole: true, reader: body };
  }

  /** Makes `push` collect so many bytes, from the offset on. Each byte is copied once. */
  #putTogether(bytes: number): "more" {
    const whole = Buffer.allocUnsafe(bytes);
    this.#whole = whole;
    this.#wholeBytes = this.#input.copy(whole, 0, this.#offset);
    this.#input = nothing;
    this.#offset = 0;
    return "more";
  }

  /** Reads a frame that has come in full. */
  #readFrame(reader: WireReader): IncomingFrame {
    const frame = this.#frame;
    frame.exchangeId = 0;
    frame.parts = undefined;
    frame.creditBytes = 0;
    frame.reset = undefined;
    while (!reader.done) {
      const tag = reader.varint();
      switch (tag) {
        case muxTags.exchangeId:
          frame.exchangeId = reader.varint();
          break;
        case muxTags.parts: {
          const begin = reader.skipDelimited();
          frame.parts = this.#parts.readAt(reader.buffer, begin, reader.offset);
          break;
        }
        case muxTags.creditBytes:
          frame.creditBytes = reader.varint();
          break;
        case muxTags.reset:
          frame.reset = readReset(reader.nested(), this.#unspecifiedReset);
          break;
        default:
          reader.skip(tag);
      }
    }
    checkExchangeId(frame.exchangeId);
    return frame;
  }

  /** Skips a whole field. Returns its bytes. */
  #take(field: Field): number {
    const bytes = field.headBytes + field.bodyBytes;
    this.#offset += bytes;
    return bytes;
  }
}

/**
 * Whether a varint ends before `end`. True as well for one of more than ten bytes, which
 * `WireReader` then refuses.
 */
function hasVarint(input: Buffer, begin: number, end: number): boolean {
  const limit = Math.min(end, begin + 10);
  for (let at = begin; at < limit; at += 1) {
    if ((input[at] as number) < 0x80) {
      return true;
    }
  }
  return end - begin >= 10;
}

function checkExchangeId(exchangeId: number): void {
  if (exchangeId < 1 || exchangeId > Number.MAX_SAFE_INTEGER) {
    throw violation(`a frame of exchange ${exchangeId}, or one that does not begin with its id`);
  }
}

function malformedField(): never {
  throw violation("malformed message: a field without an end");
}

function violation(message: string): ServeHTTPError {
  return new ServeHTTPError("protocol-violation", message);
}
