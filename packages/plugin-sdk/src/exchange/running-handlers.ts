/** Counts the handlers that run, for who waits until none does. */
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

  /** A handler is done, or nobody waits for it any longer. */
  leave(): void {
    this.#count -= 1;
    if (this.#count === 0) {
      this.#idle?.resolve();
      this.#idle = undefined;
    }
  }

  /** Resolves when no handler runs: at once if none does now. */
  async whenIdle(): Promise<void> {
    if (this.#count > 0) {
      this.#idle ??= Promise.withResolvers();
      await this.#idle.promise;
    }
  }
}
