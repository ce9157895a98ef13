/** The time that one check has, and everything in it that waits. */
export class Deadline implements Disposable {
  readonly #timer: NodeJS.Timeout;
  readonly #waiting = new Set<() => void>();
  /** Whether the time is over. */
  isPast = false;
  readonly seconds: number;

  constructor(seconds: number) {
    this.seconds = seconds;
    this.#timer = setTimeout(() => {
      this.isPast = true;
      this.changed();
    }, seconds * 1_000);
  }

  /** Whoever waits looks again. */
  changed(): void {
    for (const look of this.#waiting) {
      look();
    }
  }

  /** Waits until a condition holds. Rejects when the time is over, and says what it waited for. */
  until(what: string, condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (condition()) {
          this.#waiting.delete(look);
          resolve();
        } else if (this.isPast) {
          this.#waiting.delete(look);
          reject(new Error(`waited ${this.seconds} s for ${what}`));
        }
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Waits for a promise, for as long as there is time. */
  async within<T>(what: string, promise: Promise<T>): Promise<T> {
    let settled: { value: T } | { error: unknown } | undefined;
    void promise.then(
      (value) => {
        settled = { value };
        this.changed();
      },
      (error: unknown) => {
        settled = { error };
        this.changed();
      },
    );
    await this.until(what, () => settled !== undefined);
    return await promise;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
