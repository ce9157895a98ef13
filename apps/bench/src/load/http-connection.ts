import { once } from "node:events";
import { connect, type Socket } from "node:net";

import { ResponseReader } from "./response-reader.js";

export interface HttpCall {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** The body and its length; none for a GET. */
  readonly bodyBytes?: number;
  readonly body?: Iterable<Uint8Array>;
  /** Sees the body of the response as it comes. */
  readonly onBody?: (chunk: Buffer) => void;
}

export interface HttpAnswer {
  readonly status: number;
  /** Bytes of the response's body. */
  readonly bytes: number;
  /** From before the request was written to the first byte of the body, in microseconds. */
  readonly firstByteUs: number;
  /** The same to the last byte. */
  readonly totalUs: number;
}

/**
 * A connection of a load generator: one request after the other, with as little work of its own as
 * can be, so that the server is what is measured.
 */
export class HttpConnection implements Disposable {
  readonly #socket: Socket;
  readonly #reader: ResponseReader;
  #waiting: PromiseWithResolvers<HttpAnswer> | undefined;
  #wakeWriter: (() => void) | undefined;
  #onBody: ((chunk: Buffer) => void) | undefined;
  #startedUs = 0;
  #firstByteUs = 0;
  #bytes = 0;
  #status = 0;

  static async open(host: string, port: number): Promise<HttpConnection> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, "connect");
    return new HttpConnection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#reader = new ResponseReader({
      onHead: (status) => (this.#status = status),
      onBody: (chunk) => this.#countBody(chunk),
      onEnd: () => this.#settle(),
    });
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("drain", () => this.#wakeWriter?.());
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => {
      this.#fail(new Error("the connection closed"));
      this.#wakeWriter?.();
    });
  }

  /** Sends a request and waits for the whole response. Throws when the connection fails. */
  async call(call: HttpCall): Promise<HttpAnswer> {
    const waiting = Promise.withResolvers<HttpAnswer>();
    // The caller hears of it from the returned promise, perhaps later than it fails.
    waiting.promise.catch(() => undefined);
    this.#waiting = waiting;
    this.#onBody = call.onBody;
    this.#bytes = 0;
    this.#firstByteUs = 0;
    this.#startedUs = performance.now() * 1_000;
    const length = call.bodyBytes === undefined ? "" : `Content-Length: ${call.bodyBytes}\r\n`;
    this.#socket.write(
      `${call.method} ${call.path} HTTP/1.1\r\nHost: bench\r\n${length}\r\n`,
      "latin1",
    );
    for (const chunk of call.body ?? []) {
      if (this.#socket.destroyed) {
        break;
      }
      if (!this.#socket.write(chunk)) {
        await new Promise<void>((resolve) => (this.#wakeWriter = resolve));
      }
    }
    return waiting.promise;
  }

  /** Takes nothing more off the connection until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Drops the connection, in the middle of whatever it does. */
  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    try {
      this.#reader.push(chunk);
    } catch (error) {
      this.#socket.destroy(error as Error);
    }
  }

  #countBody(chunk: Buffer): void {
    if (this.#bytes === 0) {
      this.#firstByteUs = performance.now() * 1_000 - this.#startedUs;
    }
    this.#bytes += chunk.length;
    this.#onBody?.(chunk);
  }

  #settle(): void {
    this.#waiting?.resolve({
      status: this.#status,
      bytes: this.#bytes,
      firstByteUs: this.#firstByteUs,
      totalUs: performance.now() * 1_000 - this.#startedUs,
    });
    this.#waiting = undefined;
  }

  #fail(error: Error): void {
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}
