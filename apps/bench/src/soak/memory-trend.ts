import { summarise } from "../statistics.js";

/** How a series of memory sizes moved. */
export interface MemoryTrend {
  /** Medians of the second and of the last quarter of the series. The first is warming up. */
  readonly earlyBytes: number;
  readonly lateBytes: number;
  readonly flat: boolean;
}

/** What may come and go between two collections without being a leak: a tenth and 4 MiB. */
const toleratedShare = 0.1;
const toleratedBytes = 4 * 1024 * 1024;

/** Compares the second quarter of a series with its last. Undefined for fewer than 8 samples. */
export function memoryTrend(bytes: readonly number[]): MemoryTrend | undefined {
  const quarter = Math.floor(bytes.length / 4);
  if (quarter < 2) {
    return undefined;
  }
  const earlyBytes = summarise(bytes.slice(quarter, 2 * quarter)).median;
  const lateBytes = summarise(bytes.slice(-quarter)).median;
  return {
    earlyBytes,
    lateBytes,
    flat: lateBytes <= earlyBytes * (1 + toleratedShare) + toleratedBytes,
  };
}
