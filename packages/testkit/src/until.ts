import { setImmediate } from "node:timers/promises";

/** How long something may take that takes a moment. Only a test that fails waits so long. */
const untilMsMax = 20_000;

/**
 * Resolves in the first turn of the event loop in which a condition holds.
 *
 * @param what - names the condition in the error
 * @throws Error when it still does not hold after 20 s
 */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadlineMs = performance.now() + untilMsMax;
  while (!condition()) {
    if (performance.now() > deadlineMs) {
      throw new Error(`still not: ${what}`);
    }
    await setImmediate();
  }
}

/**
 * Lets the event loop turn that many times. Shows that something does not happen, once all that could
 * cause it has happened.
 */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await setImmediate();
  }
}
