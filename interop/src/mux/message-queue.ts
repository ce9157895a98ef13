/** A queue between who pushes and who reads: one reader. */
export class MessageQueue<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  #over: { error?: Error } | undefined;
  #wake: (() => void) | undefined;

  push(message: T): void {
    this.#waiting.push(message);
    this.#wake?.();
  }

  /** Nothing follows. What waits is still read, unless there is an error: that comes at once. */
  close(error?: Error): void {
    this.#over ??= error ? { error } : {};
    this.#wake?.();
  }

  /** Everything that waits, at least one; empty at the end. */
  async takeAll(): Promise<T[]> {
    while (this.#waiting.length === 0 && this.#over === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#over?.error) {
      throw this.#over.error;
    }
    return this.#waiting.splice(0);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, undefined> {
    for (let all = await this.takeAll(); all.length > 0; all = await this.takeAll()) {
      yield* all;
    }
  }
}
