/**
 * How much the tests do, from the environment variable `SERVEHTTP_FULL`. Without it they do a tenth
 * of the full size, so that `npm test` takes three minutes at the most. With `SERVEHTTP_FULL=1`,
 * which the gate sets, they do the full size. A higher number multiplies the random runs, for a
 * long search.
 */
const size = Number(process.env["SERVEHTTP_FULL"] ?? 0.1);

/** Whether the tests run at their full size. */
export const isFullSize = size >= 1;

/** A number of repetitions, of which a quick run does a tenth; at least one. */
export function sized(fullCount: number): number {
  return Math.max(1, Math.round(fullCount * size));
}

/** The parameters of a property test for fast-check. */
export interface RandomRuns {
  readonly numRuns: number;
  readonly seed?: number;
}

/** What fast-check does by default. With fewer runs a test may miss what it is meant to reach. */
const quickRunsMin = 100;

/**
 * How often a property test runs: `fullCount` times at full size. A quick run does a tenth of that,
 * but at least 100 runs, or all of them where there are fewer. A failure prints its seed and the
 * shortest example; `SERVEHTTP_SEED=n` repeats the run.
 */
export function randomRuns(fullCount: number): RandomRuns {
  const seed = process.env["SERVEHTTP_SEED"];
  const numRuns = Math.max(sized(fullCount), Math.min(fullCount, quickRunsMin));
  return { numRuns, ...(seed !== undefined && { seed: Number(seed) }) };
}
