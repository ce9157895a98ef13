/** Values as they are pushed, for one consumer. */
export class Pushed<Value> implements AsyncIterableIterator<Value> {
  readonly #values: Value[] = [];
  #state: "open" | "ended" = "open";
  #wake: (() => void) | undefined;

  push(value: Value): void {
    this.#values.push(value);
    this.#wake?.();
  }

  end(): void {
    this.#state = "ended";
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<Value>> {
    while (this.#values.length === 0 && this.#state === "open") {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
    const value = this.#values.shift();
    return value === undefined ? { done: true, value: undefined } : { done: false, value };
  }

  return(): Promise<IteratorResult<Value>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(): Promise<IteratorResult<Value>> {
    return this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
