import { setImmediate } from "node:timers/promises";

/** How long something may take that takes a moment: only a test that fails ever waits so long. */
const patienceMs = 20_000;

/** Resolves in the first turn of the event loop in which the condition holds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > deadline) {
      throw new Error(`still not: ${what}`);
    }
    await setImmediate();
  }
}
