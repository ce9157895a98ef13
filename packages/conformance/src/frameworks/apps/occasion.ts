/** Something that happens now and then, and that others wait for, before or after. */
export class Occasion {
  #pending = Promise.withResolvers<void>();

  /** Lets who waits, or the first who will, go on. */
  happens(): void {
    this.#pending.resolve();
  }

  /** Waits for the next time that nobody has waited for yet. */
  async next(): Promise<void> {
    await this.#pending.promise;
    this.#pending = Promise.withResolvers();
  }
}
