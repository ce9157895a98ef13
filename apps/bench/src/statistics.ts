/** What a list of samples comes to. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** How many samples there were. */
  readonly count: number;
}

/** Median and range of at least one sample. Throws a RangeError for none. */
export function summarise(samples: readonly number[]): Summary {
  if (samples.length === 0) {
    throw new RangeError("no samples");
  }
  const sorted = samples.toSorted((a, b) => a - b);
  return {
    median: percentile(sorted, 50),
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
    count: sorted.length,
  };
}

/**
 * The value below which `percent` of the samples lie, by linear interpolation between neighbours.
 * The samples are sorted in ascending order and there is at least one.
 */
export function percentile(sorted: readonly number[], percent: number): number {
  const position = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/**
 * The ratio of two targets, taken round by round: what disturbs a round disturbs both of them, so a
 * ratio of medians would throw away the reason for interleaving. Rounds that either side lacks
 * (NaN) are left out; undefined where no round has both.
 */
export function pairedRatio(
  samples: readonly number[],
  base: readonly number[],
): Summary | undefined {
  const ratios = samples.flatMap((sample, round) => {
    const ratio = sample / (base[round] ?? Number.NaN);
    return Number.isFinite(ratio) ? [ratio] : [];
  });
  return ratios.length === 0 ? undefined : summarise(ratios);
}
