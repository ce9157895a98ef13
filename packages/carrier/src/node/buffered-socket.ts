import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/**
 * How long a connection that is given up may be silent before it is destroyed, where the peer does
 * not close it.
 */
const lingerMs = 1_000;

/**
 * A socket that accepts everything written at once and keeps it until it can be sent. `node:http2`
 * needs it, because it does not read while its own write is pending
 * (`Http2Session::MaybeStopReading`). Two ends that both wait for their socket would wait for each
 * other for ever; if one never waits, neither does.
 *
 * What the other end has granted bounds what is kept: `hostConnectionWindowBytes` of `limits.ts`.
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
    // What was accepted is still sent. To close before the peer does could drop it again, by a TCP
    // reset.
    socket.setTimeout(lingerMs, () => socket.destroy());
    socket.end();
    socket.resume();
    settle(error);
  }
}

type Settle = (error?: Error | null) => void;
