/**
 * One source of values for any number of subscribers. The source runs while somebody listens: it
 * starts with the first subscriber and stops with the last. A subscriber that is slow misses
 * values; it never collects them.
 */
export class FanOut<T> {
  readonly #start: (publish: (value: T) => void) => Disposable;
  readonly #seats = new Set<Seat<T>>();
  #source: Disposable | undefined;

  /** Takes what starts the source and returns what stops it. */
  constructor(start: (publish: (value: T) => void) => Disposable) {
    this.#start = start;
  }

  get subscriberCount(): number {
    return this.#seats.size;
  }

  /** Whether the source runs. */
  get running(): boolean {
    return this.#source !== undefined;
  }

  /** The values from now on, until the signal aborts; subscribes with the first `next()`. */
  async *subscribe(signal: AbortSignal): AsyncGenerator<T, void> {
    const seat = new Seat<T>();
    const leave = () => seat.put(undefined);
    signal.addEventListener("abort", leave);
    this.#seats.add(seat);
    this.#source ??= this.#start((value) => this.#publish(value));
    try {
      while (!signal.aborted) {
        const value = await seat.take();
        if (value !== undefined) {
          yield value;
        }
      }
    } finally {
      signal.removeEventListener("abort", leave);
      this.#seats.delete(seat);
      if (this.#seats.size === 0) {
        this.#source?.[Symbol.dispose]();
        this.#source = undefined;
      }
    }
  }

  #publish(value: T): void {
    for (const seat of this.#seats) {
      seat.put(value);
    }
  }
}

/** Room for the latest value of one subscriber. */
class Seat<T> {
  #latest: T | undefined;
  #wake: (() => void) | undefined;

  put(value: T | undefined): void {
    this.#latest = value;
    this.#wake?.();
    this.#wake = undefined;
  }

  /** The latest value, once there is one; undefined where `put(undefined)` woke it. */
  async take(): Promise<T | undefined> {
    if (this.#latest === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const value = this.#latest;
    this.#latest = undefined;
    return value;
  }
}
