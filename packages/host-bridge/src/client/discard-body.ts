import type { Socket } from "node:net";
import { discardBytesMax } from "@servehttp/contract";
import { discardMsMax } from "../limits.js";
import type { BodySink, RequestBody } from "./request-body.js";

/** What becomes of a body that is being discarded. */
export interface DiscardListener {
  /** The body is whole: the connection can serve the next request. */
  onWhole(): void;
  /**
   * The body is larger, or slower, than is worth keeping the connection for. Called again until the
   * listener stops it.
   */
  onBeyond(): void;
}

/**
 * Reads and drops the rest of an HTTP/1 request that has its answer, up to a bound in bytes and in
 * time. Returns the function that stops it, which calls nobody.
 */
export function discardBody(
  body: RequestBody,
  socket: Socket,
  listener: DiscardListener,
): () => void {
  const discarded = new DiscardedBody(body, socket, listener);
  body.start(discarded);
  return () => discarded.stop();
}

class DiscardedBody implements BodySink {
  readonly #body: RequestBody;
  readonly #socket: Socket;
  readonly #listener: DiscardListener;
  readonly #onClose = (): void => clearTimeout(this.#timer);
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;

  constructor(body: RequestBody, socket: Socket, listener: DiscardListener) {
    this.#body = body;
    this.#socket = socket;
    this.#listener = listener;
    this.#timer = setTimeout(() => listener.onBeyond(), discardMsMax);
    socket.once("close", this.#onClose);
  }

  bodyChunk(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > discardBytesMax) {
      this.#listener.onBeyond();
    }
  }

  bodyEnd(): void {
    this.#release();
    this.#listener.onWhole();
  }

  stop(): void {
    this.#release();
    this.#body.stop();
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#socket.off("close", this.#onClose);
  }
}

/**
 * Whether the rest of a request with an early answer may be more than is worth reading to keep its
 * connection: then the answer says that the connection closes.
 *
 * @param contentLength of the request; undefined where it is chunked
 */
export function isLongBody(contentLength: number | undefined): boolean {
  return contentLength === undefined || contentLength > discardBytesMax;
}
