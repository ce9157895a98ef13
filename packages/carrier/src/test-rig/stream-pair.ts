import { Duplex } from "node:stream";

/** Into how many pieces one write is cut at the most: megabytes octet by octet would show nothing more. */
const piecesMax = 40;

/**
 * The two ends of one RPC in memory, with as much of Node's `Http2Stream` as the carriers use. What is written arrives in pieces
 * of the given lengths, in turn, each in a turn of the event loop of its own where the length is odd.
 */
export function streamPair(cuts: readonly number[]): { host: FakeStream; plugin: FakeStream } {
  const host = new FakeStream(cuts);
  const plugin = new FakeStream(cuts.toReversed());
  host.peer = plugin;
  plugin.peer = host;
  return { host, plugin };
}

export class FakeStream extends Duplex {
  peer: FakeStream | undefined;
  trailers: Record<string, string> | undefined;
  #waitsForTrailers = false;
  readonly #cuts: readonly number[];
  #cutIndex = 0;

  constructor(cuts: readonly number[]) {
    super({ allowHalfOpen: true });
    this.#cuts = cuts;
  }

  respond(fields: Record<string, unknown>, options: { waitForTrailers?: boolean }): void {
    this.#waitsForTrailers = options.waitForTrailers === true;
    setImmediate(() => this.peer?.emit("response", fields));
  }

  sendTrailers(fields: Record<string, string>): void {
    this.trailers = fields;
  }

  close(): void {
    setImmediate(() => {
      this.destroy();
      this.peer?.destroy();
    });
  }

  override _read(): void {
    // What arrives is pushed.
  }

  override _write(chunk: Buffer, _encoding: string, written: () => void): void {
    this.#deliver(chunk, piecesMax, written);
  }

  override _final(finished: () => void): void {
    if (this.#waitsForTrailers) {
      this.emit("wantTrailers");
      this.peer?.emit("trailers", this.trailers);
    }
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
