import type { ServeHTTPError } from "./servehttp-error.js";

/** Where senders wait until there is room for more. Most never do, so the promise is made only when it is needed. */
export class Room {
  #waiting: PromiseWithResolvers<void> | undefined;

  /** Resolves at the next `open`, rejects at the next `close`. The rejection counts as handled. */
  wait(): Promise<void> {
    if (this.#waiting === undefined) {
      this.#waiting = Promise.withResolvers<void>();
      this.#waiting.promise.catch(ignore);
    }
    return this.#waiting.promise;
  }

  /** There is room: whoever waits goes on. */
  open(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  /** There will be no room: whoever waits is told why. */
  close(reason: ServeHTTPError): void {
    this.#waiting?.reject(reason);
    this.#waiting = undefined;
  }
}

function ignore(): void {
  // Whoever waits is told; it may be that nobody waits any more.
}
