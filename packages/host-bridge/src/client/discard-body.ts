import type { Socket } from "node:net";
import { discardBytesMax } from "@servehttp/contract";
import { discardLingerMs, discardMsMax } from "../limits.js";
import type { BodySink, RequestBody } from "./request-body.js";

/**
 * Reads and drops the rest of an HTTP/1 request that has its answer, up to a bound in bytes and in
 * time. Beyond the bound it closes the connection, and leaves the client time to read its answer: a
 * reset could destroy the answer on the way.
 */
export function discardBody(body: RequestBody, socket: Socket): void {
  body.start(new Discard(body, socket));
}

class Discard implements BodySink {
  readonly #body: RequestBody;
  readonly #socket: Socket;
  readonly #onClose = (): void => clearTimeout(this.#timer);
  #timer: NodeJS.Timeout;
  #bytes = 0;

  constructor(body: RequestBody, socket: Socket) {
    this.#body = body;
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#close(), discardMsMax);
    socket.once("close", this.#onClose);
  }

  bodyChunk(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > discardBytesMax) {
      clearTimeout(this.#timer);
      this.#close();
    }
  }

  bodyEnd(): void {
    clearTimeout(this.#timer);
    this.#socket.off("close", this.#onClose);
  }

  #close(): void {
    this.#body.stop();
    this.#socket.end();
    this.#timer = setTimeout(() => this.#socket.destroy(), discardLingerMs);
  }
}
