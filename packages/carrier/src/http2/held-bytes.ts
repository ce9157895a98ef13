import { PieceJoiner } from "../wire/piece-joiner.js";

/** Bytes that came while nobody took them, in order. Small pieces are joined. */
export class HeldBytes {
  readonly #pieces: Buffer[] = [];
  readonly #joiner = new PieceJoiner();

  get empty(): boolean {
    return this.#pieces.length === 0;
  }

  push(octets: Buffer): void {
    const last = this.#pieces.at(-1);
    const joined = last && this.#joiner.join(last, octets);
    if (joined === undefined) {
      this.#pieces.push(compact(octets));
    } else {
      this.#pieces[this.#pieces.length - 1] = joined;
    }
  }

  /** Takes the first piece; undefined where there is none. */
  shift(): Buffer | undefined {
    const first = this.#pieces.shift();
    if (this.empty) {
      this.#joiner.release();
    }
    return first;
  }
}

/** A small piece of a large read, copied: as a view it would keep all of the read. */
function compact(octets: Buffer): Buffer {
  return octets.length * 4 < octets.buffer.byteLength ? Buffer.from(octets) : octets;
}
