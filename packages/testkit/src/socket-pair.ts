import { Duplex } from "node:stream";

/** How many pieces one write is cut into at the most. Megabytes in single bytes would show nothing more. */
const piecesMax = 40;

/**
 * The two ends of a connection in memory. What is written arrives in pieces of the given lengths,
 * one length after the other. A piece of odd length arrives in a turn of the event loop of its own.
 */
export function socketPair(cuts: readonly number[]): { host: FakeSocket; plugin: FakeSocket } {
  const host = new FakeSocket(cuts);
  const plugin = new FakeSocket(cuts.toReversed());
  host.peer = plugin;
  plugin.peer = host;
  return { host, plugin };
}

export class FakeSocket extends Duplex {
  peer: FakeSocket | undefined;
  readonly #cuts: readonly number[];
  #cutIndex = 0;

  constructor(cuts: readonly number[]) {
    super({ allowHalfOpen: true });
    this.#cuts = cuts;
  }

  override _read(): void {
    // The peer pushes what arrives.
  }

  override _write(chunk: Buffer, _encoding: string, written: () => void): void {
    this.#deliver(chunk, piecesMax, written);
  }

  override _final(finished: () => void): void {
    this.peer?.push(null);
    finished();
  }

  #deliver(octets: Buffer, pieces: number, written: () => void): void {
    let rest = octets;
    let left = pieces;
    while (rest.length > 0) {
      left -= 1;
      const cut =
        left === 0 ? rest.length : (this.#cuts[this.#cutIndex++ % this.#cuts.length] as number);
      const piece = Buffer.from(rest.subarray(0, cut));
      rest = rest.subarray(cut);
      if (this.peer?.destroyed === true) {
        break;
      }
      this.peer?.push(piece);
      if (cut % 2 === 1 && rest.length > 0) {
        setImmediate(() => this.#deliver(rest, left, written));
        return;
      }
    }
    setImmediate(written);
  }
}
