import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/**
 * How long a connection that is given up may be silent before it is cut, where the peer does not
 * close it.
 */
const lingerMs = 1_000;

/**
 * A connection that takes whatever is written at once and keeps it until it can go. For
 * `node:http2`, which does not read while a write of its own is under way
 * (`Http2Session::MaybeStopReading`): two ends that both wait for the socket to take their write
 * would wait for each other, for ever. If one of them never waits, neither does.
 *
 * What is kept is bounded by what the other side has granted: `hostConnectionWindowBytes` of
 * `limits.ts`.
 */
export class BufferedSocket extends Duplex {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      if (!this.push(chunk) && !this.destroyed) {
        socket.pause();
      }
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, settle: Settle): void {
    this.#socket.write(chunk);
    settle();
  }

  override _writev(waiting: { chunk: Buffer }[], settle: Settle): void {
    this.#socket.cork();
    for (const { chunk } of waiting) {
      this.#socket.write(chunk);
    }
    this.#socket.uncork();
    settle();
  }

  override _final(settle: Settle): void {
    this.#socket.end(settle);
  }

  override _destroy(error: Error | null, settle: Settle): void {
    const socket = this.#socket;
    // What was taken still goes. To close before the peer has could take it away again, by a reset.
    socket.setTimeout(lingerMs, () => socket.destroy());
    socket.end();
    socket.resume();
    settle(error);
  }
}

type Settle = (error?: Error | null) => void;
