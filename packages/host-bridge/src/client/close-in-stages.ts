import type { Socket } from "node:net";
import { lingerBytesMax, lingerMsMax, lingerSilenceMsMax } from "../limits.js";

/**
 * Closes a connection in stages (RFC 9112, section 9.6): ends the host's side behind what has been
 * written, then reads and drops what the client still sends, until the client ends its side or a
 * bound in bytes, time or silence is reached. Closing at once would reset the connection, and a
 * reset can destroy an answer that is still on its way. Proxies that are still sending (Apache,
 * Varnish) then answer 502 or 503 in its place.
 *
 * Nobody else may read the socket any more.
 *
 * @param bytesLeft how much the client may still send as far as is known; undefined where it isn't
 */
export function closeInStages(socket: Socket, bytesLeft: number | undefined): void {
  if (!socket.destroyed) {
    new StagedClose(socket, Math.min(bytesLeft ?? lingerBytesMax, lingerBytesMax)).start();
  }
}

class StagedClose {
  readonly #socket: Socket;
  readonly #sinceMs = performance.now();
  readonly #silence: NodeJS.Timeout;
  #bytesLeft: number;

  constructor(socket: Socket, bytesLeft: number) {
    this.#socket = socket;
    this.#bytesLeft = bytesLeft;
    this.#silence = setTimeout(() => this.#onSilence(), lingerSilenceMsMax);
  }

  start(): void {
    const socket = this.#socket;
    socket.on("data", (chunk: Buffer) => this.#drop(chunk));
    socket.once("close", () => clearTimeout(this.#silence));
    socket.end();
    socket.resume();
  }

  #drop(chunk: Buffer): void {
    this.#bytesLeft -= chunk.length;
    if (this.#bytesLeft < 0 || this.#isTimeOver) {
      this.#socket.destroy();
    } else {
      this.#silence.refresh();
    }
  }

  /** The client has sent nothing for a while. It may still be reading its answer. */
  #onSilence(): void {
    if (this.#socket.writableLength > 0 && !this.#isTimeOver) {
      this.#silence.refresh();
    } else {
      this.#socket.destroy();
    }
  }

  get #isTimeOver(): boolean {
    return performance.now() - this.#sinceMs > lingerMsMax;
  }
}
