/**
 * How long requests waited for the final head of their response: how many of them no longer than each
 * bound, and longer than the one before.
 */
export interface HeadTimes {
  /** In milliseconds, ascending: from 0.1 to some 88,000, each a fifth above the one before. */
  readonly boundsMs: readonly number[];
  /** For each bound, and a last one for all that took longer. Count from the host's start on. */
  readonly counts: readonly number[];
}

const firstMs = 0.1;
/** In a doubling of the time. */
const boundsInDoubling = 4;

const boundsMs: readonly number[] = Object.freeze(
  Array.from({ length: 80 }, (_, index) => firstMs * 2 ** (index / boundsInDoubling)),
);

/** No request so far. */
export const noHeadTimes: HeadTimes = Object.freeze({
  boundsMs,
  counts: Object.freeze(Array.from({ length: boundsMs.length + 1 }, () => 0)),
});

/** Counts the times of a plugin. Hot: one logarithm a request. */
export class HeadTimeCounts {
  readonly #counts = new Float64Array(boundsMs.length + 1);

  record(ms: number): void {
    // The logarithm may be a hair above a bound that the time is exactly at.
    const index = Math.ceil(Math.log2(ms / firstMs) * boundsInDoubling - 1e-9);
    const place = Math.min(Math.max(index, 0), boundsMs.length);
    this.#counts[place] = (this.#counts[place] as number) + 1;
  }

  get snapshot(): HeadTimes {
    return { boundsMs, counts: [...this.#counts] };
  }
}
