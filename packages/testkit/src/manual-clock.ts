/** A clock that stands still until a test advances it. */
export class ManualClock {
  #nowMs = 0;
  #waiting: { atMs: number; signal: AbortSignal; callback: () => void }[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  unixMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, signal: AbortSignal, callback: () => void): void {
    this.#waiting.push({ atMs: this.#nowMs + delayMs, signal, callback });
  }

  /** Callbacks that are still to come. */
  get waiting(): number {
    this.#waiting = this.#waiting.filter(({ signal }) => !signal.aborted);
    return this.#waiting.length;
  }

  /** Lets time pass in which no callback can come: as when the event loop is blocked. */
  stall(ms: number): void {
    this.#nowMs += ms;
    this.advance(0);
  }

  /** Lets time pass up to the next callbacks, at most `ms`. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const due = this.#waiting
        .filter(({ atMs, signal }) => atMs <= untilMs && !signal.aborted)
        .toSorted((one, other) => one.atMs - other.atMs)[0];
      if (due === undefined) {
        break;
      }
      this.#waiting = this.#waiting.filter((waiting) => waiting !== due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.callback();
    }
    this.#nowMs = untilMs;
  }
}
