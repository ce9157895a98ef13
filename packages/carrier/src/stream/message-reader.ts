import { messageBytesMax, ServeHTTPError } from "@servehttp/contract";
import { GrpcMessageReader } from "../wire/grpc-message-reader.js";

/** A stream that gives its bytes by `push`. */
export interface PausableStream {
  pause(): unknown;
  resume(): unknown;
}

/** Who takes the messages of one stream. */
export interface MessageTaker {
  /**
   * Takes one message, which is a view. Called one at a time. Throws a ServeHTTPError where it
   * can't be taken.
   */
  takeMessage(message: Buffer): void | Promise<void>;
  /** Every message was taken, and no more will come. */
  inputEnded(): void;
  /** The input is malformed, or `takeMessage` threw. Nothing follows. */
  inputFailed(error: ServeHTTPError): void;
}

/**
 * The way in of one exchange on the stream carrier: cuts its input into messages and hands them
 * over one at a time. While their taker makes it wait, the stream is paused, so that the other side
 * comes to wait as well.
 */
export class MessageReader {
  readonly #stream: PausableStream;
  readonly #taker: MessageTaker;
  readonly #reader = new GrpcMessageReader(messageBytesMax);
  /**
   * free -> busy [#takeAll: the taker returned a promise], busy -> free [#goOn], either ->
   * discarding [discard, #takeAll: failed]
   */
  #state: "free" | "busy" | "discarding" = "free";
  /** Whether the stream has more. What was cut of it may still wait. */
  #input: "open" | "ended" = "open";

  constructor(stream: PausableStream, taker: MessageTaker) {
    this.#stream = stream;
    this.#taker = taker;
  }

  /**
   * Whether the stream came to its end as the other side meant it, though not all of it may have
   * been taken.
   */
  get ended(): boolean {
    return this.#input === "ended";
  }

  /** What the stream gave. */
  push(input: Buffer): void {
    if (this.#state === "free") {
      this.#reader.push(input);
      this.#takeAll();
    }
  }

  /** The stream has given everything. */
  end(): void {
    this.#input = "ended";
    if (this.#state === "free") {
      this.#taker.inputEnded();
    }
  }

  /** Hands over nothing any more; what still comes is thrown away. */
  discard(): void {
    this.#state = "discarding";
    this.#stream.resume();
  }

  #takeAll(): void {
    try {
      while (this.#state === "free") {
        const message = this.#reader.next();
        if (message === undefined) {
          return;
        }
        const taken = this.#taker.takeMessage(message);
        if (taken !== undefined && this.#state === "free") {
          this.#state = "busy";
          this.#stream.pause();
          void taken.then(() => this.#goOn());
        }
      }
    } catch (error) {
      this.discard();
      this.#taker.inputFailed(ServeHTTPError.from(error));
    }
  }

  #goOn(): void {
    if (this.#state !== "busy") {
      return;
    }
    this.#state = "free";
    this.#takeAll();
    if (this.#state !== "free") {
      return;
    }
    if (this.#input === "ended") {
      this.#taker.inputEnded();
    } else {
      this.#stream.resume();
    }
  }
}
