import type { ServeHTTPError } from "@servehttp/contract";

/** What every write that finds room returns. */
const settled: Promise<void> = Promise.resolve();

/** Whether the write has found room: who only waits for that has nothing to wait for. */
export function hasRoom(written: Promise<void>): boolean {
  return written === settled;
}

/** The promise of a write. Whoever writes may choose not to look at it: its rejection is never unhandled. */
export function settledBy(room: void | Promise<void>): Promise<void> {
  if (room === undefined) {
    return settled;
  }
  room.catch(ignore);
  return room;
}

/** The promise of a write that can't be. Its rejection is never unhandled. */
export function rejected(reason: ServeHTTPError): Promise<void> {
  const promise = Promise.reject(reason);
  promise.catch(ignore);
  return promise;
}

function ignore(): void {
  // The reason is in the request's signal as well.
}
