/**
 * How much the tests do, from the environment variable `SERVEHTTP_FULL`. Without it, a tenth of the full size, so that
 * `npm test` takes three minutes at the most. With `SERVEHTTP_FULL=1`, which the gate sets, the full size. With a higher number,
 * so many times the full number of random runs, for a long search.
 */
const size = Number(process.env["SERVEHTTP_FULL"] ?? 0.1);

/** Whether the tests run at their full size. */
export const isFullSize = size >= 1;

/** A count of repetitions, of which a quick run does a tenth; at least one. */
export function sized(fullCount: number): number {
  return Math.max(1, Math.round(fullCount * size));
}

/** The parameters of a property test for fast-check. */
export interface RandomRuns {
  readonly numRuns: number;
  readonly seed?: number;
}

/**
 * How often a property test runs. A failure prints its seed and the shortest example; `SERVEHTTP_SEED=n` repeats the run.
 *
 * @param fullCount - the runs at full size
 */
export function randomRuns(fullCount: number): RandomRuns {
  const seed = process.env["SERVEHTTP_SEED"];
  return { numRuns: sized(fullCount), ...(seed !== undefined && { seed: Number(seed) }) };
}
