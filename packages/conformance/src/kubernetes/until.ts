import { setTimeout as delay } from "node:timers/promises";

/** How long something may take, in milliseconds. */
const untilMsMax = 60_000;

/** Resolves once a condition holds. @throws Error when it still does not after a minute */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const deadlineMs = performance.now() + untilMsMax;
  while (!(await condition())) {
    check(performance.now() < deadlineMs, `still not: ${what}`);
    await delay(10);
  }
}

/** @throws Error where it does not hold */
export function check(condition: boolean, message: string): void {
  if (!condition) {
    throw new Error(message);
  }
}
