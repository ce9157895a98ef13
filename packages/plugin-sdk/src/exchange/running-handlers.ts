/** Counts the handlers that run. A plugin that closes waits until none does. */
export class RunningHandlers {
  #count = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  get count(): number {
    return this.#count;
  }

  /** A handler begins. */
  enter(): void {
    this.#count += 1;
  }

  /** A handler has returned, or its exchange was given up. */
  leave(): void {
    this.#count -= 1;
    if (this.#count === 0) {
      this.#idle?.resolve();
      this.#idle = undefined;
    }
  }

  /** Resolves when no handler runs, at once if none does now. */
  async whenIdle(): Promise<void> {
    if (this.#count > 0) {
      this.#idle ??= Promise.withResolvers();
      await this.#idle.promise;
    }
  }
}
