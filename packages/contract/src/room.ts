import type { ServeHTTPError } from "./servehttp-error.js";

/**
 * What senders wait at until there is room for more. Most never wait, so the promise is made only
 * when it is needed.
 */
export class Room {
  #waiting: PromiseWithResolvers<void> | undefined;

  /**
   * Resolves at the next `open` and rejects at the next `close`. A rejection that nobody handles is
   * no error.
   */
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
  // Perhaps nobody waits any more.
}
