/** A queue between who pushes and who iterates: one consumer, one use. */
export class MessageQueue<T> implements AsyncIterableIterator<T> {
  readonly #waiting: T[] = [];
  #over: { error?: Error } | undefined;
  #wake: (() => void) | undefined;

  push(message: T): void {
    this.#waiting.push(message);
    this.#wake?.();
  }

  /** Nothing follows. What was pushed is still read, unless there is an error: that comes at once. */
  close(error?: Error): void {
    this.#over ??= error ? { error } : {};
    this.#wake?.();
  }

  /** Everything that is ready, at least one; empty at the end. */
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

  async next(): Promise<IteratorResult<T, undefined>> {
    const [first, ...rest] = await this.takeAll();
    this.#waiting.unshift(...rest);
    return first === undefined ? { done: true, value: undefined } : { done: false, value: first };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
