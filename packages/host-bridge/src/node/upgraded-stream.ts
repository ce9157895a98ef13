import { constants, type ServerHttp2Stream } from "node:http2";
import { Duplex } from "node:stream";
import { toHttp2Fields } from "../edge/response-head.js";
import { beginStream, breakStream } from "./break-stream.js";
import { UpgradeAnswerReader } from "./upgrade-answer.js";

/** An HTTP/2 stream, as the upgraded HTTP/1 connection for which a plugin takes it. */
export class UpgradedStream extends Duplex {
  readonly #stream: ServerHttp2Stream;
  /** The key that the client itself has sent. */
  readonly #clientKey: string | undefined;
  /** Undefined once the head of the plugin's answer has gone to the client. */
  #answer: UpgradeAnswerReader | undefined = new UpgradeAnswerReader();
  /** Called when the end of the plugin's way has gone to the client. */
  #onEnded: () => void = () => undefined;

  constructor(stream: ServerHttp2Stream, clientKey: string | undefined) {
    super({ allowHalfOpen: true });
    this.#stream = stream;
    this.#clientKey = clientKey;
    stream.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) {
        stream.pause();
      }
    });
    stream.on("end", () => this.push(null));
    stream.on("error", () => {
      // The close that follows says what there is to say.
    });
    stream.once("close", () => this.destroy());
    stream.pause();
  }

  override _read(): void {
    this.#stream.resume();
  }

  override _write(
    chunk: Buffer,
    _encoding: string,
    callback: (error?: Error | null) => void,
  ): void {
    let rest: Buffer | undefined;
    try {
      rest = this.#writeHead(chunk);
    } catch (error) {
      callback(error as Error);
      return;
    }
    if (rest.length === 0) {
      callback();
    } else {
      this.#stream.write(rest, (error) => callback(error));
    }
  }

  override _final(callback: () => void): void {
    if (this.#stream.headersSent) {
      this.#onEnded = callback;
      this.#stream.end();
    } else {
      breakStream(this.#stream);
      callback();
    }
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (!this.#stream.closed) {
      if (this.writableFinished && this.#stream.headersSent) {
        // Behind a complete answer, it asks the client to stop sending (RFC 9113, section 8.1).
        this.#stream.close(constants.NGHTTP2_NO_ERROR);
      } else {
        breakStream(this.#stream);
      }
    }
    callback(error);
  }

  /** Sends the head once it is whole. Returns what is left to be written. */
  #writeHead(chunk: Buffer): Buffer {
    if (this.#answer === undefined) {
      return chunk;
    }
    const answer = this.#answer.push(chunk, this.#clientKey);
    if (answer === undefined) {
      return chunk.subarray(chunk.length);
    }
    this.#answer = undefined;
    if (this.#stream.closed) {
      throw new Error("the client left before it had an answer");
    }
    beginStream(this.#stream, toHttp2Fields(answer.fields, answer.status), () => {
      this.#stream.sendTrailers({});
      // Once the end is on its way: a reset would overtake it.
      setImmediate(() => this.#onEnded());
    });
    return answer.rest;
  }
}
