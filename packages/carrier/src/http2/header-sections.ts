import { Http2Error } from "./http2-error.js";
import { withoutPadding } from "./frame-reader.js";
import { errorCode, frameFlag } from "./frames.js";

/** A header section in all its frames. They hold a status and a token. */
export const headerBlockBytesMax = 16_384;

/** A header section that is all there, still encoded. */
export interface HeaderSection {
  /** Of its HEADERS frame. */
  readonly flags: number;
  readonly streamId: number;
  readonly block: Buffer;
}

/** Puts header sections together, of HEADERS frames and the CONTINUATION frames behind them. */
export class HeaderSections {
  #begun:
    | { readonly flags: number; readonly streamId: number; readonly pieces: Buffer[] }
    | undefined;
  #bytes = 0;

  /** Whether one has begun: no other frame may come before it is over. */
  get within(): boolean {
    return this.#begun !== undefined;
  }

  /** A HEADERS frame. The section, where that is all of it. @throws Http2Error */
  begin(flags: number, streamId: number, payload: Buffer): HeaderSection | undefined {
    const block = withoutPriority(withoutPadding(payload, flags), flags);
    if ((flags & frameFlag.endHeaders) !== 0) {
      return { flags, streamId, block };
    }
    this.#begun = { flags, streamId, pieces: [Buffer.from(block)] };
    this.#bytes = block.length;
    return undefined;
  }

  /** A CONTINUATION frame. The section, where that was the last of it. @throws Http2Error */
  goOn(flags: number, streamId: number, payload: Buffer): HeaderSection | undefined {
    const begun = this.#begun;
    if (begun === undefined || begun.streamId !== streamId) {
      throw new Http2Error(errorCode.protocolError, "CONTINUATION of no header section");
    }
    const isLast = (flags & frameFlag.endHeaders) !== 0;
    if (payload.length === 0 && !isLast) {
      throw new Http2Error(errorCode.enhanceYourCalm, "an empty CONTINUATION");
    }
    begun.pieces.push(Buffer.from(payload));
    this.#bytes += payload.length;
    if (this.#bytes > headerBlockBytesMax) {
      throw new Http2Error(errorCode.enhanceYourCalm, "a header section that is too large");
    }
    if (!isLast) {
      return undefined;
    }
    this.#begun = undefined;
    return { flags: begun.flags, streamId, block: Buffer.concat(begun.pieces) };
  }
}

/** HEADERS may say how urgent they are (RFC 9113, section 6.2): nobody asks any more. */
function withoutPriority(payload: Buffer, flags: number): Buffer {
  if ((flags & frameFlag.priority) === 0) {
    return payload;
  }
  if (payload.length < 5) {
    throw new Http2Error(errorCode.frameSizeError, "HEADERS that are too short for a priority");
  }
  return payload.subarray(5);
}
