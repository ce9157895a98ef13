import type { Destination, WaitingRequest } from "../exchange/destination.js";
import type { AffinityKey } from "../balance/balance.js";
import type { Clock } from "../process/clock.js";

/** What is known of a request that waits. */
interface Waiting {
  /** What binds it to an instance. */
  readonly key: AffinityKey | undefined;
  /** Ends its time. */
  readonly over: AbortController;
}

/** Requests that wait for a plugin that starts, in the order in which they came. */
export class WaitingRequests {
  readonly #clock: Clock;
  readonly #waiting = new Map<WaitingRequest, Waiting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#waiting.size;
  }

  /**
   * Lets a request wait. It goes on where `release` finds a destination for it, else to
   * `lateDestination` when `waitMs` are over. Returns what lets it leave before.
   */
  add(
    request: WaitingRequest,
    key: AffinityKey | undefined,
    waitMs: number,
    lateDestination: () => Destination,
  ): () => void {
    const over = new AbortController();
    this.#waiting.set(request, { key, over });
    this.#clock.after(waitMs, over.signal, () => {
      this.#waiting.delete(request);
      request(lateDestination());
    });
    return () => {
      this.#waiting.delete(request);
      over.abort();
    };
  }

  /** Lets requests go on for as long as they needn't wait any more. */
  release(destination: (key: AffinityKey | undefined) => Destination): void {
    for (const [request, { key, over }] of this.#waiting) {
      const next = destination(key);
      if (next.kind === "wait") {
        return;
      }
      this.#waiting.delete(request);
      over.abort();
      request(next);
    }
  }
}
