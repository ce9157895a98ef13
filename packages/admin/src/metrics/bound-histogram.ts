import type { Attributes, Histogram, HrTime, MetricOptions } from "@opentelemetry/api";
import { metricSetsMax } from "../limits.js";

/** What was recorded with one set of attributes. */
export interface RecordedValues {
  readonly attributes: Attributes;
  readonly since: HrTime;
  /** How many there were for each boundary, and above all of them. */
  readonly counts: Float64Array;
  sum: number;
}

/** What OpenTelemetry's SDK takes where an instrument names no boundaries. */
const defaultBoundaries = [
  0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000,
];

/**
 * A histogram that knows sets of attributes again by their identity: a host makes each of its sets
 * once. The SDK's own sorts and writes out all attributes for each record, which would take more of a
 * request than all else that is measured of it. Sets that are other objects each time are told
 * apart by what is in them.
 */
export class BoundHistogram implements Histogram {
  readonly name: string;
  readonly options: MetricOptions;
  readonly boundaries: readonly number[];
  readonly #known = new WeakMap<Attributes, RecordedValues>();
  /** The last set, and what was recorded with it: most come in a row. */
  #last: Attributes | undefined;
  #valuesOfLast: RecordedValues | undefined;
  /** By the text of their attributes. */
  readonly #recorded = new Map<string, RecordedValues>();

  constructor(name: string, options: MetricOptions = {}) {
    this.name = name;
    this.options = options;
    this.boundaries = options.advice?.explicitBucketBoundaries ?? defaultBoundaries;
  }

  /** What was recorded so far. */
  get recorded(): Iterable<RecordedValues> {
    return this.#recorded.values();
  }

  /** Hot: the small GET of `apps/bench`. */
  record(value: number, attributes: Attributes = noAttributes): void {
    const values = this.#valuesOf(attributes);
    const bucket = this.#bucketOf(value);
    values.counts[bucket] = (values.counts[bucket] as number) + 1;
    values.sum += value;
  }

  #valuesOf(attributes: Attributes): RecordedValues {
    if (this.#valuesOfLast !== undefined && this.#last === attributes) {
      return this.#valuesOfLast;
    }
    const values = this.#known.get(attributes) ?? this.#find(attributes);
    this.#last = attributes;
    this.#valuesOfLast = values;
    return values;
  }

  #find(given: Attributes): RecordedValues {
    let attributes = given;
    let text = textOf(attributes);
    if (!this.#recorded.has(text) && this.#recorded.size >= metricSetsMax) {
      attributes = overflow;
      text = textOf(overflow);
    }
    let values = this.#recorded.get(text);
    if (values === undefined) {
      const counts = new Float64Array(this.boundaries.length + 1);
      values = { attributes, since: hrTimeNow(), counts, sum: 0 };
      this.#recorded.set(text, values);
    }
    this.#known.set(given, values);
    return values;
  }

  /** The first bucket whose boundary is not below the value. */
  #bucketOf(value: number): number {
    const { boundaries } = this;
    let bucket = 0;
    while (bucket < boundaries.length && (boundaries[bucket] as number) < value) {
      bucket += 1;
    }
    return bucket;
  }
}

const noAttributes: Attributes = {};
const overflow: Attributes = { "otel.metric.overflow": true };

function textOf(attributes: Attributes): string {
  return JSON.stringify(Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The time as OpenTelemetry has it: seconds since the Unix epoch, and nanoseconds. */
export function hrTimeNow(): HrTime {
  const unixMs = Date.now();
  return [Math.floor(unixMs / 1_000), (unixMs % 1_000) * 1_000_000];
}
