import { muxWaitingBytesMax, Room, type ServeHTTPError } from "@servehttp/contract";

/**
 * Messages on their way to an RPC stack that asks for them one by one. It is written by hand and no
 * generator, because a generator that waits for its next message can't be ended.
 *
 * open -> ended [end]; open, ended -> failed [fail]; any -> left [return]
 */
export class MessageQueue implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #onLeft: () => void;
  #state: "open" | "ended" | "failed" | "left" = "open";
  #error: ServeHTTPError | undefined;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #reader: PromiseWithResolvers<IteratorResult<Uint8Array, undefined>> | undefined;
  readonly #room = new Room();

  /** @param onLeft called when the stack wants no more before the end */
  constructor(onLeft: () => void) {
    this.#onLeft = onLeft;
  }

  /**
   * Adds a message. Returns a promise where the sender is to wait: it resolves when there is room,
   * and rejects where the queue fails.
   */
  push(message: Uint8Array): void | Promise<void> {
    if (this.#state !== "open") {
      return undefined;
    }
    if (this.#reader !== undefined) {
      this.#reader.resolve({ done: false, value: message });
      this.#reader = undefined;
      return undefined;
    }
    this.#waiting.push(message);
    this.#waitingBytes += message.length;
    return this.#waitingBytes > muxWaitingBytesMax ? this.#room.wait() : undefined;
  }

  /** No more messages follow those that wait. */
  end(): void {
    if (this.#state === "open") {
      this.#state = "ended";
      this.#settle();
    }
  }

  /** Drops the messages that wait, and makes the stack end the RPC with this error. */
  fail(error: ServeHTTPError): void {
    this.#room.close(error);
    if (this.#state === "open" || this.#state === "ended") {
      this.#state = "failed";
      this.#error = error;
      this.#drop();
      this.#settle();
    }
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const message = this.#waiting.shift();
    if (message !== undefined) {
      this.#waitingBytes -= message.length;
      if (this.#waitingBytes <= muxWaitingBytesMax / 2) {
        this.#room.open();
      }
      return Promise.resolve({ done: false, value: message });
    }
    this.#reader ??= Promise.withResolvers();
    const { promise } = this.#reader;
    if (this.#state !== "open") {
      this.#settle();
    }
    return promise;
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    const wasOver =
      this.#state === "left" || (this.#state !== "open" && this.#waiting.length === 0);
    this.#state = "left";
    this.#drop();
    this.#settle();
    if (!wasOver) {
      this.#onLeft();
    }
    this.#room.open();
    return Promise.resolve(finished);
  }

  /** How connect-node tells an iterable that its RPC is over. It takes none without this method. */
  throw(): Promise<IteratorResult<Uint8Array, undefined>> {
    return this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #drop(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** Answers the stack that waits. An error is told once: who asks again gets the end. */
  #settle(): void {
    const reader = this.#reader;
    if (reader === undefined) {
      return;
    }
    this.#reader = undefined;
    if (this.#state === "failed") {
      this.#state = "left";
      reader.reject(this.#error);
    } else {
      reader.resolve(finished);
    }
  }
}

const finished: IteratorReturnResult<undefined> = { done: true, value: undefined };
