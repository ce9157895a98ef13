/**
 * Joined pieces are no longer than this: 16 KiB. Longer pieces cost little beside their bytes.
 */
const joinedBytesMax = 16_384;

/**
 * Joins pieces of bytes that wait, as they come. A piece of one byte takes a hundred times its size
 * as an object of its own, and a sender is free to cut small. The room
 * doubles, so that each byte is copied a few times at the most.
 */
export class PieceJoiner {
  /** The bytes of the last piece, with room for more behind them. */
  #joined: Buffer | undefined;

  /**
   * Returns the last piece that waits with the next one behind it, or undefined where both are too
   * long for it. Bytes that were returned before stay what they are.
   */
  join(last: Uint8Array, next: Uint8Array): Buffer | undefined {
    const bytes = last.length + next.length;
    if (bytes > joinedBytesMax) {
      this.#joined = undefined;
      return undefined;
    }
    if (this.#joined === undefined || this.#joined.length < bytes) {
      this.#joined = Buffer.allocUnsafeSlow(Math.min(2 * bytes, joinedBytesMax));
      this.#joined.set(last);
    }
    this.#joined.set(next, last.length);
    return this.#joined.subarray(0, bytes);
  }

  /** The last piece does not wait any more. */
  release(): void {
    this.#joined = undefined;
  }
}
