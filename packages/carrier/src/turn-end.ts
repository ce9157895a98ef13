/** Something that collects work during a turn of the event loop. */
export interface Flushable {
  /** Does the collected work. Must not throw. */
  flush(): void;
}

let waiting: Flushable[] = [];

/**
 * Calls `flush` once at the end of this turn of the event loop, when everything that was ready has been read: what
 * belongs together then goes out together. One immediate serves all, so that a turn costs one wake-up whatever
 * the number of exchanges.
 *
 * `setImmediate` and neither `nextTick` nor a microtask: those run between two callbacks of one turn, and a handler that
 * awaits would be cut in two.
 */
export function atTurnEnd(flushable: Flushable): void {
  if (waiting.length === 0) {
    setImmediate(flushAll);
  }
  waiting.push(flushable);
}

function flushAll(): void {
  const flushing = waiting;
  waiting = [];
  for (const flushable of flushing) {
    flushable.flush();
  }
}
