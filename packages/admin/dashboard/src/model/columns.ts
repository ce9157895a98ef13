import type { Sample, Series } from "@servehttp/admin";

/** The samples of a plugin as lists of equal length, oldest first. */
export type Columns = Omit<Series, "intervalMs">;

/** How far back the charts go, in milliseconds. */
export const windowMs = 300_000;

/** Without a sample for so long, the line has a gap, in milliseconds. */
const gapMs = 10_000;

/** Takes in another sample, and leaves out what the charts don't show any more. */
export function withSample(columns: Columns, sample: Sample): Columns {
  const last = columns.atUnixMs.at(-1);
  if (last !== undefined && sample.atUnixMs <= last) {
    return columns;
  }
  const oldest = columns.atUnixMs.findIndex((at) => at >= sample.atUnixMs - windowMs);
  const from = oldest < 0 ? columns.atUnixMs.length : oldest;
  const next = <Value>(values: readonly Value[], value: Value) => [...values.slice(from), value];
  return {
    atUnixMs: next(columns.atUnixMs, sample.atUnixMs),
    requestsPerSecond: next(columns.requestsPerSecond, sample.requestsPerSecond),
    p50Ms: next(columns.p50Ms, sample.p50Ms),
    p99Ms: next(columns.p99Ms, sample.p99Ms),
    memoryBytes: next(columns.memoryBytes, sample.memoryBytes),
    inFlight: next(columns.inFlight, sample.inFlight),
    waiting: next(columns.waiting, sample.waiting),
  };
}

/** The sample that was there at a time; undefined: there was none. */
export function sampleAt(columns: Columns, unixMs: number): Sample | undefined {
  const found = columns.atUnixMs.findLastIndex((at) => at <= unixMs);
  const atUnixMs = columns.atUnixMs[found];
  if (atUnixMs === undefined || unixMs - atUnixMs > gapMs) {
    return undefined;
  }
  return {
    atUnixMs,
    requestsPerSecond: columns.requestsPerSecond[found] ?? 0,
    p50Ms: columns.p50Ms[found] ?? null,
    p99Ms: columns.p99Ms[found] ?? null,
    memoryBytes: columns.memoryBytes[found] ?? null,
    inFlight: columns.inFlight[found] ?? 0,
    waiting: columns.waiting[found] ?? 0,
  };
}

/** The greatest of a column's values; undefined: there is none. */
export function greatest(values: readonly (number | null)[]): number | undefined {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? undefined : known.reduce((most, value) => Math.max(most, value));
}
