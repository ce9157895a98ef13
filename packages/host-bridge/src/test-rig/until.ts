import { setImmediate } from "node:timers/promises";

/** How long something may take that takes a moment: only a test that fails ever waits so long. */
const patienceMs = 15_000;

/** Resolves in the first turn of the event loop in which the condition holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const dueMs = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > dueMs) {
      throw new Error(`still not: ${what}`);
    }
    await setImmediate();
  }
}

/** Lets the event loop turn so often: for what must not happen, once everything that causes it has. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await setImmediate();
  }
}
