/** A frame of HTTP/2 as it came (RFC 9113, section 4.1). */
export interface CutFrame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
  /** All of its bytes. */
  readonly bytes: Buffer;
}

export const frameTypes = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  goaway: 7,
  windowUpdate: 8,
} as const;

export const endStreamFlag = 1;

const headBytes = 9;

/** Cuts one direction of an HTTP/2 connection into frames, behind the first `skipBytes`. */
export class FrameCutter {
  #skipBytes: number;
  #kept = Buffer.alloc(0);

  constructor(skipBytes: number) {
    this.#skipBytes = skipBytes;
  }

  /** The frames that are whole with these bytes. */
  *push(input: Buffer): Iterable<CutFrame> {
    const skipped = Math.min(this.#skipBytes, input.length);
    this.#skipBytes -= skipped;
    this.#kept = Buffer.concat([this.#kept, input.subarray(skipped)]);
    while (this.#kept.length >= headBytes) {
      const end = headBytes + this.#kept.readUIntBE(0, 3);
      if (this.#kept.length < end) {
        return;
      }
      const bytes = this.#kept.subarray(0, end);
      this.#kept = this.#kept.subarray(end);
      yield {
        type: bytes[3] as number,
        flags: bytes[4] as number,
        streamId: bytes.readUInt32BE(5) & 0x7fff_ffff,
        payload: bytes.subarray(headBytes),
        bytes,
      };
    }
  }
}
