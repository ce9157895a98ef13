/** Joined pieces are at most 16 KiB long. Longer pieces cost little beside their bytes. */
const joinedBytesMax = 16_384;

/**
 * Joins small pieces of bytes that wait. A single byte takes a hundred times its size as an object
 * of its own, and a sender may cut as small as that. The room doubles, so that each byte is copied
 * a few times at most.
 */
export class PieceJoiner {
  /** The bytes of the last piece, with room for more behind them. */
  #joined: Buffer | undefined;

  /**
   * Returns the last piece that waits and the next one as one piece, or undefined where both
   * together are too long. Bytes returned before are never overwritten.
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

  /** Forgets the last piece, which does not wait any more. */
  release(): void {
    this.#joined = undefined;
  }
}
