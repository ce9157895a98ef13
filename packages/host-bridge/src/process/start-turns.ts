/**
 * Bounds how many plugins of a host start at the same time. A start is mostly work for the
 * processor: fifty at once on two cores each take fifty times as long, and none is ready in its
 * time.
 */
export class StartTurns {
  readonly #max: number;
  #taken = 0;
  readonly #waiting = new Set<() => void>();

  /** @param max turns that are taken at once, 1 or more */
  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Waits for a turn, in the order of the calls. Resolves with what gives the turn back; calling it
   * twice is safe. Rejects with the signal's reason where that aborts first.
   */
  take(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.delete(begin);
        reject(signal.reason as Error);
      };
      const begin = () => {
        signal.removeEventListener("abort", onAbort);
        this.#taken += 1;
        resolve(this.#release());
      };
      if (signal.aborted) {
        onAbort();
      } else if (this.#taken < this.#max) {
        begin();
      } else {
        this.#waiting.add(begin);
        signal.addEventListener("abort", onAbort, { once: true });
      }
    });
  }

  #release(): () => void {
    let isGiven = true;
    return () => {
      if (!isGiven) {
        return;
      }
      isGiven = false;
      this.#taken -= 1;
      const [next] = this.#waiting;
      if (next !== undefined) {
        this.#waiting.delete(next);
        next();
      }
    };
  }
}
