/** Something that collects work during a turn of the event loop. */
export interface Flushable {
  /** Does the collected work. Must not throw. */
  flush(): void;
}

let waiting: Flushable[] = [];

/**
 * Calls `flush` once at the end of this turn of the event loop, when everything that was ready has
 * been read. So what many exchanges have to send goes out together. One immediate serves all, so
 * that a turn costs one wake-up whatever the number of exchanges.
 */
export function atTurnEnd(flushable: Flushable): void {
  if (waiting.length === 0) {
    setImmediate(flushAll);
  }
  waiting.push(flushable);
}

/**
 * Calls `flush` when the current callback ends, after every promise that it settles. So what one
 * exchange has to send goes out together. It comes sooner than `atTurnEnd`, which would make a lone
 * exchange wait for nothing: Node's HTTP/2 writes once a turn, after callbacks and before
 * immediates.
 */
export function atCallbackEnd(flushable: Flushable): void {
  // A tick that a microtask asks for comes when no microtask is left. `queueMicrotask` would make an
  // AsyncResource each time.
  void settled.then(() => process.nextTick(flush, flushable));
}

const settled = Promise.resolve();

function flush(flushable: Flushable): void {
  flushable.flush();
}

function flushAll(): void {
  const flushing = waiting;
  waiting = [];
  for (const flushable of flushing) {
    flushable.flush();
  }
}
