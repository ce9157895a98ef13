/** An event that happens several times. A waiter may come before the event or after it. */
export class Occasion {
  #pending = Promise.withResolvers<void>();

  /** Lets one waiter go on: the one that waits, or the first one to come. */
  happens(): void {
    this.#pending.resolve();
  }

  /** Waits for the next event that no other waiter has had. */
  async next(): Promise<void> {
    await this.#pending.promise;
    this.#pending = Promise.withResolvers();
  }
}
