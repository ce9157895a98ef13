import { workerRestarts } from "../limits.js";

/**
 * What to do when a worker has ended. Pure: the clock is a parameter.
 *
 * @param failuresMs when it failed before, oldest first
 * @param ranMs how long it ran
 * @returns what to pass next time, and the delay before the next start; undefined: give up
 */
export function afterWorkerEnd(
  failuresMs: readonly number[],
  nowMs: number,
  ranMs: number,
): { readonly failuresMs: readonly number[]; readonly delayMs: number | undefined } {
  const { delayMsMin, failuresMax, steadyMs, windowMs } = workerRestarts;
  const recent = failuresMs.filter((timeMs) => nowMs - timeMs < windowMs);
  const failures = [...recent, nowMs];
  if (failures.length >= failuresMax) {
    return { failuresMs: failures, delayMs: undefined };
  }
  const delayMs = ranMs >= steadyMs ? 0 : delayMsMin * 2 ** (failures.length - 1);
  return { failuresMs: failures, delayMs };
}
