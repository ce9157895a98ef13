import type { ServeHTTPError } from "@servehttp/contract";

/** What each write that finds room returns. */
const settled: Promise<void> = Promise.resolve();

/** Whether the write found room at once, so that there is nothing to wait for. */
export function hasRoom(written: Promise<void>): boolean {
  return written === settled;
}

/** The promise of a write. A handler need not look at it: its rejection is never unhandled. */
export function settledBy(room: void | Promise<void>): Promise<void> {
  if (room === undefined) {
    return settled;
  }
  room.catch(ignore);
  return room;
}

/** The promise of a write that is refused. Its rejection is never unhandled. */
export function rejected(reason: ServeHTTPError): Promise<void> {
  const promise = Promise.reject(reason);
  promise.catch(ignore);
  return promise;
}

function ignore(): void {
  // The request's signal has the reason as well.
}
