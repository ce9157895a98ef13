import { messageBytesMax, ServeHTTPError } from "@servehttp/contract";
import { GrpcMessageReader } from "../wire/grpc-message-reader.js";

/** A stream that can be made to wait. It hands its bytes to `push`. */
export interface PausableStream {
  pause(): unknown;
  resume(): unknown;
}

/** What takes the messages of a stream. */
export interface MessageTaker {
  /**
   * Takes one message, which is a view. Called one at a time: never while a promise that it
   * returned is pending.
   *
   * @throws ServeHTTPError where the message can't be taken
   */
  takeMessage(message: Buffer): void | Promise<void>;
  /** Every message was taken, and the stream has ended. */
  inputEnded(): void;
  /** The input is malformed, or `takeMessage` threw. This is the last call. */
  inputFailed(error: ServeHTTPError): void;
}

/**
 * Receives one exchange on the stream carrier: cuts the input into messages and hands them over one
 * at a time. While their taker makes it wait the stream is paused, so that the other end has to
 * wait as well.
 */
export class MessageReader {
  readonly #stream: PausableStream;
  readonly #taker: MessageTaker;
  readonly #reader = new GrpcMessageReader(messageBytesMax);
  /**
   *   free       -> busy       [#takeAll: the taker returned a promise]
   *   busy       -> free       [#goOn]
   *   free, busy -> discarding [discard; #takeAll: failed]
   */
  #state: "free" | "busy" | "discarding" = "free";
  /** Whether the stream has ended. Messages may still wait then. */
  #input: "open" | "ended" = "open";

  constructor(stream: PausableStream, taker: MessageTaker) {
    this.#stream = stream;
    this.#taker = taker;
  }

  /** Takes bytes from the stream. */
  push(input: Buffer): void {
    if (this.#state === "free") {
      this.#reader.push(input);
      this.#takeAll();
    }
  }

  /** The stream has ended. */
  end(): void {
    this.#input = "ended";
    if (this.#state === "free") {
      this.#taker.inputEnded();
    }
  }

  /** Hands over no more messages. What still comes is dropped. */
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
