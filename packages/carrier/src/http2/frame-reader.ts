import { checkFrameHead } from "./check-frame-head.js";
import { Http2Error } from "./http2-error.js";
import { errorCode, frameFlag, frameHeadBytes, frameType } from "./frames.js";

/** What an `FrameReader` finds. Each may throw an Http2Error. */
export interface FrameTaker {
  /** A DATA frame begins, of so many bytes, padding included. */
  beginData(streamId: number, bytes: number): void;
  /** Bytes of a DATA frame, as they came. */
  takeData(streamId: number, octets: Buffer): void;
  /** A DATA frame is over. */
  endData(streamId: number, flags: number): void;
  /** A whole frame of any other type. */
  takeFrame(type: number, flags: number, streamId: number, payload: Buffer): void;
}

/** A frame that is not DATA is put together before it is looked at, and is no longer than this. */
const controlFrameBytesMax = 16_384;

const nothing = Buffer.alloc(0);

/**
 * Takes the frames of an HTTP/2 connection apart as their bytes come. The bytes of DATA are handed
 * on as views of the input, whatever the length of the frame.
 *
 *   head    -> data     [a DATA frame begins]       data    -> head     [it is over]
 *   head    -> padded   [one with padding begins]   padded  -> data     [how much is padding is known]
 *                                                   data    -> padding  [its data is over]
 *                                                   padding -> head     [it is over]
 *   head    -> whole    [a frame of another type]   whole   -> head     [it is all there]
 */
export class FrameReader {
  readonly #taker: FrameTaker;
  readonly #dataBytesMax: number;
  #at: "head" | "data" | "padded" | "padding" | "whole" = "head";
  /** What has come of a head, or of a frame that is put together: so many bytes of this buffer. */
  #kept = nothing;
  #keptBytes = 0;
  /** Bytes that are to come of the frame, those of padding not counted once it is known. */
  #left = 0;
  #paddingLeft = 0;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  #closed = false;

  /** `dataBytesMax` is what this end has announced as SETTINGS_MAX_FRAME_SIZE. */
  constructor(taker: FrameTaker, dataBytesMax: number) {
    this.#taker = taker;
    this.#dataBytesMax = dataBytesMax;
  }

  /** Hands nothing on any more. */
  close(): void {
    this.#closed = true;
    this.#kept = nothing;
  }

  /** @throws Http2Error, also those of its taker */
  push(input: Buffer): void {
    let rest = input;
    while (rest.length > 0 && !this.#closed) {
      switch (this.#at) {
        case "head":
          rest = this.#pushWhole(rest, frameHeadBytes);
          break;
        case "whole":
          rest = this.#pushWhole(rest, this.#left);
          break;
        case "data":
          rest = this.#pushData(rest);
          break;
        case "padded":
          this.#readPadding(rest[0] as number);
          rest = rest.subarray(1);
          break;
        case "padding":
          rest = this.#skipPadding(rest);
      }
    }
  }

  #pushData(input: Buffer): Buffer {
    const bytes = Math.min(this.#left, input.length);
    this.#left -= bytes;
    this.#taker.takeData(this.#streamId, bytes === input.length ? input : input.subarray(0, bytes));
    if (this.#left === 0) {
      this.#leaveData();
    }
    return input.subarray(bytes);
  }

  #leaveData(): void {
    if (this.#paddingLeft > 0) {
      this.#at = "padding";
    } else {
      this.#at = "head";
      this.#taker.endData(this.#streamId, this.#flags);
    }
  }

  #readPadding(paddingBytes: number): void {
    this.#left -= 1 + paddingBytes;
    this.#paddingLeft = paddingBytes;
    if (this.#left < 0) {
      throw new Http2Error(errorCode.protocolError, "a frame with more padding than bytes");
    }
    this.#at = "data";
    if (this.#left === 0) {
      this.#leaveData();
    }
  }

  #skipPadding(input: Buffer): Buffer {
    const bytes = Math.min(this.#paddingLeft, input.length);
    this.#paddingLeft -= bytes;
    if (this.#paddingLeft === 0) {
      this.#leaveData();
    }
    return input.subarray(bytes);
  }

  /** Waits for so many bytes in one piece, then reads them. */
  #pushWhole(input: Buffer, bytes: number): Buffer {
    const missing = bytes - this.#keptBytes;
    if (input.length < missing) {
      if (this.#keptBytes === 0) {
        this.#kept = Buffer.allocUnsafe(bytes);
      }
      input.copy(this.#kept, this.#keptBytes);
      this.#keptBytes += input.length;
      return nothing;
    }
    let whole = input.subarray(0, missing);
    if (this.#keptBytes > 0) {
      input.copy(this.#kept, this.#keptBytes, 0, missing);
      whole = this.#kept;
      this.#kept = nothing;
      this.#keptBytes = 0;
    }
    if (this.#at === "head") {
      this.#readHead(whole);
    } else {
      this.#at = "head";
      this.#taker.takeFrame(this.#type, this.#flags, this.#streamId, whole);
    }
    return input.subarray(missing);
  }

  #readHead(head: Buffer): void {
    const length = head.readUIntBE(0, 3);
    this.#left = length;
    this.#paddingLeft = 0;
    this.#type = head[3] as number;
    this.#flags = head[4] as number;
    this.#streamId = head.readUInt32BE(5) & 0x7fff_ffff;
    checkFrameHead(this.#type, this.#flags, this.#streamId, length);
    const isData = this.#type === frameType.data;
    if (length > (isData ? this.#dataBytesMax : controlFrameBytesMax)) {
      throw new Http2Error(errorCode.frameSizeError, `a frame of ${length} bytes`);
    }
    if (isData) {
      this.#beginData(length);
    } else if (length === 0) {
      this.#taker.takeFrame(this.#type, this.#flags, this.#streamId, nothing);
    } else {
      this.#at = "whole";
    }
  }

  #beginData(length: number): void {
    this.#taker.beginData(this.#streamId, length);
    if (length === 0) {
      this.#taker.endData(this.#streamId, this.#flags);
    } else {
      this.#at = (this.#flags & frameFlag.padded) === 0 ? "data" : "padded";
    }
  }
}

/** What a padded frame holds (RFC 9113, section 6.1). @throws Http2Error */
export function withoutPadding(payload: Buffer, flags: number): Buffer {
  if ((flags & frameFlag.padded) === 0) {
    return payload;
  }
  const padding = payload[0];
  if (padding === undefined || padding >= payload.length) {
    throw new Http2Error(errorCode.protocolError, "a frame with more padding than bytes");
  }
  return payload.subarray(1, payload.length - padding);
}
