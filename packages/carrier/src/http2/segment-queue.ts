/** Bytes in pieces that wait to be sent, in order. */
export class SegmentQueue {
  readonly #segments: Buffer[] = [];
  /** The segment that goes next, and what of it has gone. */
  #index = 0;
  #offset = 0;
  #bytes = 0;

  /** How many bytes wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds segments, without the first `skipBytes`. */
  push(segments: readonly Buffer[], skipBytes: number): void {
    let skip = skipBytes;
    for (const segment of segments) {
      const rest = skip === 0 ? segment : segment.subarray(skip);
      skip = Math.max(0, skip - segment.length);
      if (rest.length > 0) {
        this.#segments.push(rest);
        this.#bytes += rest.length;
      }
    }
  }

  /** Moves so many bytes, which must be there, to `pieces`. */
  take(bytes: number, pieces: Buffer[]): void {
    this.#bytes -= bytes;
    let left = bytes;
    while (left > 0) {
      const segment = this.#segments[this.#index] as Buffer;
      const end = Math.min(segment.length, this.#offset + left);
      pieces.push(segment.subarray(this.#offset, end));
      left -= end - this.#offset;
      this.#offset = end;
      if (end === segment.length) {
        this.#index += 1;
        this.#offset = 0;
      }
    }
    if (this.#bytes === 0) {
      this.clear();
    } else if (this.#index > 64) {
      this.#segments.splice(0, this.#index);
      this.#index = 0;
    }
  }

  clear(): void {
    this.#segments.length = 0;
    this.#index = 0;
    this.#offset = 0;
    this.#bytes = 0;
  }
}
