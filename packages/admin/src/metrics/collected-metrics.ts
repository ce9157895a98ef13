import {
  type DataPoint,
  DataPointType,
  type Histogram,
  type HistogramMetricData,
  type MetricData,
  type ResourceMetrics,
  type SumMetricData,
} from "@opentelemetry/sdk-metrics";

/** The metrics of one host at one moment. It can be sent to another process as JSON. */
export interface CollectedMetrics {
  readonly metrics: readonly SummableMetric[];
}

/** Metrics whose values of several hosts can be added up. */
type SummableMetric = SumMetricData | HistogramMetricData;

/**
 * What a supervisor says of a plugin for all its workers: they follow it, and would count it again.
 * Which instances workers have ejected, they have told it.
 */
const ofSupervisor = /^servehttp\.(?:plugin\.|instances$)/;

/** What is worth sending to the host that this one is a worker of. */
export function collectedMetrics({ scopeMetrics }: ResourceMetrics): CollectedMetrics {
  const metrics = scopeMetrics
    .flatMap((scope) => scope.metrics)
    .filter(isSummable)
    .filter(({ descriptor }) => !ofSupervisor.test(descriptor.name));
  return { metrics };
}

/** What stays of a host that has ended: what it has counted, and nothing of what was open. */
export function countedMetrics({ metrics }: CollectedMetrics): CollectedMetrics {
  return {
    metrics: metrics.filter(
      (metric) => metric.dataPointType === DataPointType.HISTOGRAM || metric.isMonotonic,
    ),
  };
}

/** The metrics of a host with those of others added to them. */
export function addMetrics(
  own: ResourceMetrics,
  others: readonly CollectedMetrics[],
): ResourceMetrics {
  const [first, ...rest] = own.scopeMetrics;
  if (first === undefined || others.length === 0) {
    return own;
  }
  const all = [first, ...rest].flatMap(({ metrics }) => metrics);
  return {
    ...own,
    scopeMetrics: [{ ...first, metrics: others.reduce(withOther, all) }],
  };
}

/** Several hosts as one. */
export function sumOfMetrics(all: readonly CollectedMetrics[]): CollectedMetrics {
  return { metrics: all.reduce(withOther, [] as MetricData[]).filter(isSummable) };
}

function withOther(own: MetricData[], { metrics }: CollectedMetrics): MetricData[] {
  const byName = new Map(own.map((metric) => [metric.descriptor.name, metric]));
  for (const metric of metrics) {
    const { name } = metric.descriptor;
    byName.set(name, sumOf(byName.get(name), metric));
  }
  return [...byName.values()];
}

function sumOf(one: MetricData | undefined, other: SummableMetric): MetricData {
  if (one?.dataPointType === DataPointType.SUM && other.dataPointType === DataPointType.SUM) {
    return { ...one, dataPoints: pointsOf(one.dataPoints, other.dataPoints, sumOfNumbers) };
  }
  if (
    one?.dataPointType === DataPointType.HISTOGRAM &&
    other.dataPointType === DataPointType.HISTOGRAM
  ) {
    return { ...one, dataPoints: pointsOf(one.dataPoints, other.dataPoints, sumOfHistograms) };
  }
  // The hosts are of one version, in which a metric is of one kind.
  return one ?? other;
}

/** Both, with the values of the same attributes added up. */
function pointsOf<Value>(
  one: readonly DataPoint<Value>[],
  other: readonly DataPoint<Value>[],
  add: (a: Value, b: Value) => Value,
): DataPoint<Value>[] {
  const points = new Map(one.map((point) => [textOf(point), point]));
  for (const point of other) {
    const text = textOf(point);
    const same = points.get(text);
    points.set(text, same ? { ...same, value: add(same.value, point.value) } : point);
  }
  return [...points.values()];
}

function textOf({ attributes }: DataPoint<unknown>): string {
  return JSON.stringify(Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function sumOfNumbers(one: number, other: number): number {
  return one + other;
}

function sumOfHistograms(one: Histogram, other: Histogram): Histogram {
  const { boundaries, counts } = one.buckets;
  return {
    count: one.count + other.count,
    sum: (one.sum ?? 0) + (other.sum ?? 0),
    buckets: {
      boundaries,
      counts: counts.map((count, index) => count + (other.buckets.counts[index] ?? 0)),
    },
  };
}

function isSummable(metric: MetricData): metric is SummableMetric {
  const { dataPointType } = metric;
  return dataPointType === DataPointType.SUM || dataPointType === DataPointType.HISTOGRAM;
}
