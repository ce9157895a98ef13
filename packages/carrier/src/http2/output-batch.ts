import type { Duplex } from "node:stream";

/** Up to this size several pieces are copied into one: a system call with many costs more. */
const joinedBytesMax = 16_384;

/**
 * What a turn of the event loop writes to a socket, in one write. Pieces that lie behind each other
 * in one slab, as a `WireWriter` makes them, stay one piece.
 */
export class OutputBatch {
  readonly #socket: Duplex;
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** The last piece, as long as more may join it. */
  #slab: ArrayBufferLike | undefined;
  #start = 0;
  #end = 0;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  /** Bytes that have not been given to the socket. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds bytes, which must not change any more. */
  push(octets: Buffer): void {
    const { buffer, byteOffset, length } = octets;
    this.#bytes += length;
    if (buffer === this.#slab && byteOffset === this.#end) {
      this.#end += length;
      return;
    }
    this.#closePiece();
    this.#slab = buffer;
    this.#start = byteOffset;
    this.#end = byteOffset + length;
  }

  /** Writes what there is. */
  flush(): void {
    if (this.#bytes === 0) {
      return;
    }
    this.#closePiece();
    const pieces = this.#pieces;
    const bytes = this.#bytes;
    this.clear();
    const socket = this.#socket;
    if (pieces.length === 1) {
      socket.write(pieces[0]);
    } else if (bytes <= joinedBytesMax) {
      socket.write(Buffer.concat(pieces, bytes));
    } else {
      socket.cork();
      for (const piece of pieces) {
        socket.write(piece);
      }
      socket.uncork();
    }
  }

  /** Drops what there is. */
  clear(): void {
    this.#pieces = [];
    this.#bytes = 0;
    this.#slab = undefined;
  }

  #closePiece(): void {
    if (this.#slab !== undefined) {
      this.#pieces.push(
        Buffer.from(this.#slab as ArrayBuffer, this.#start, this.#end - this.#start),
      );
      this.#slab = undefined;
    }
  }
}
