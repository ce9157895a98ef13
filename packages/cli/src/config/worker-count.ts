import { availableParallelism } from "node:os";
import { workersMax } from "../limits.js";

/** The forms of a number of workers, for messages. */
export const workerCountForms = `a number from 1 to ${workersMax}, or "auto"`;

/**
 * Reads a number of workers; `"auto"` is one for each processor. Undefined where it is none of the
 * forms.
 */
export function parseWorkerCount(given: unknown): number | undefined {
  if (given === "auto") {
    return Math.min(availableParallelism(), workersMax);
  }
  const count = typeof given === "string" && /^\d{1,4}$/.test(given) ? Number(given) : given;
  return typeof count === "number" && Number.isInteger(count) && count >= 1 && count <= workersMax
    ? count
    : undefined;
}
