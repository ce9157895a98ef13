import type { Destination, WaitingRequest } from "../exchange/destination.js";
import type { Clock } from "../process/clock.js";

/** Requests that wait for a plugin that starts, in the order in which they came. */
export class WaitingRequests {
  readonly #max: number;
  readonly #waitMs: number;
  readonly #clock: Clock;
  /** Each with what ends its time. */
  readonly #waiting = new Map<WaitingRequest, AbortController>();

  constructor(max: number, waitMs: number, clock: Clock) {
    this.#max = max;
    this.#waitMs = waitMs;
    this.#clock = clock;
  }

  get count(): number {
    return this.#waiting.size;
  }

  get isFull(): boolean {
    return this.#waiting.size >= this.#max;
  }

  /**
   * Lets a request wait. It goes on where `release` finds a destination for it, else to
   * `lateDestination` when its time is over. Returns what lets it leave before.
   */
  add(request: WaitingRequest, lateDestination: () => Destination): () => void {
    const over = new AbortController();
    this.#waiting.set(request, over);
    this.#clock.after(this.#waitMs, over.signal, () => {
      this.#waiting.delete(request);
      request(lateDestination());
    });
    return () => {
      this.#waiting.delete(request);
      over.abort();
    };
  }

  /** Lets requests go on for as long as they needn't wait any more. */
  release(destination: () => Destination): void {
    for (const [request, over] of this.#waiting) {
      const next = destination();
      if (next.kind === "wait") {
        return;
      }
      this.#waiting.delete(request);
      over.abort();
      request(next);
    }
  }
}
