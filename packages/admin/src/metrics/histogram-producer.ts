import { type HrTime, ValueType } from "@opentelemetry/api";
import { emptyResource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type Histogram,
  type HistogramMetricData,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import { type BoundHistogram, hrTimeNow, type RecordedValues } from "./bound-histogram.js";

/** Histograms by the names of the meters that they are of. */
export type HistogramsByMeter = ReadonlyMap<string, readonly BoundHistogram[]>;

/** Where a set of attributes stood at the last look. */
interface Look {
  readonly at: HrTime;
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Gives a reader of OpenTelemetry's SDK what bound histograms have recorded. */
export class HistogramProducer implements MetricProducer {
  readonly #histograms: HistogramsByMeter;
  readonly #temporality: AggregationTemporality;
  readonly #last = new WeakMap<RecordedValues, Look>();

  /** @param temporality `DELTA`: what was recorded since the last look; else all of it */
  constructor(histograms: HistogramsByMeter, temporality = AggregationTemporality.CUMULATIVE) {
    this.#histograms = histograms;
    this.#temporality = temporality;
  }

  async collect(): Promise<CollectionResult> {
    const now = hrTimeNow();
    const scopeMetrics = Array.from(this.#histograms, ([name, histograms]) => ({
      scope: { name },
      metrics: histograms
        .map((histogram) => this.#dataOf(histogram, now))
        .filter(({ dataPoints }) => dataPoints.length > 0),
    }));
    return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors: [] };
  }

  #dataOf(histogram: BoundHistogram, now: HrTime): HistogramMetricData {
    const { name, options } = histogram;
    const { description = "", unit = "", valueType = ValueType.DOUBLE } = options;
    return {
      descriptor: { name, description, unit, valueType },
      aggregationTemporality: this.#temporality,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: Array.from(histogram.recorded, (values) =>
        this.#pointOf(values, [...histogram.boundaries], now),
      ),
    };
  }

  #pointOf(values: RecordedValues, boundaries: number[], now: HrTime): DataPoint<Histogram> {
    const { attributes, since, sum } = values;
    const counts = [...values.counts];
    let from: Look = { at: since, counts: [], sum: 0 };
    if (this.#temporality === AggregationTemporality.DELTA) {
      from = this.#last.get(values) ?? from;
      this.#last.set(values, { at: now, counts, sum });
    }
    const grown = counts.map((count, index) => count - (from.counts[index] ?? 0));
    return {
      attributes,
      startTime: from.at,
      endTime: now,
      value: {
        count: grown.reduce((all, count) => all + count, 0),
        sum: sum - from.sum,
        buckets: { boundaries, counts: grown },
      },
    };
  }
}
