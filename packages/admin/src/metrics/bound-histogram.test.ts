import { AggregationTemporality, type HistogramMetricData } from "@opentelemetry/sdk-metrics";
import { describe, expect, it } from "vitest";
import { metricSetsMax } from "../limits.js";
import { BoundHistogram } from "./bound-histogram.js";
import { HistogramProducer } from "./histogram-producer.js";

function producing(temporality?: AggregationTemporality) {
  const advice = { explicitBucketBoundaries: [1, 5] };
  const histogram = new BoundHistogram("size", { unit: "By", advice });
  const producer = new HistogramProducer(new Map([["test", [histogram]]]), temporality);
  const collect = async () => {
    const { resourceMetrics, errors } = await producer.collect();
    expect(errors).toEqual([]);
    const [metric] = resourceMetrics.scopeMetrics[0]?.metrics ?? [];
    return (metric as HistogramMetricData | undefined)?.dataPoints ?? [];
  };
  return { histogram, collect };
}

describe("a bound histogram", () => {
  it("counts values by their buckets, a boundary within the one that it ends", async () => {
    const { histogram, collect } = producing();
    const set = { a: "1" };
    for (const value of [0, 1, 1.5, 5, 6]) {
      histogram.record(value, set);
    }
    expect(await collect()).toMatchObject([
      { attributes: set, value: { count: 5, sum: 13.5, buckets: { counts: [2, 2, 1] } } },
    ]);
  });

  it("knows the same attributes in other objects", async () => {
    const { histogram, collect } = producing();
    histogram.record(1, { a: "1", b: 2 });
    histogram.record(1, { b: 2, a: "1" });
    histogram.record(1, { b: 3, a: "1" });
    histogram.record(1);
    expect((await collect()).map(({ value }) => value.count)).toEqual([2, 1, 1]);
  });

  it("has a bounded number of sets", async () => {
    const { histogram, collect } = producing();
    for (let index = 0; index < metricSetsMax + 3; index += 1) {
      histogram.record(1, { index });
    }
    const points = await collect();
    expect(points).toHaveLength(metricSetsMax + 1);
    expect(points.at(-1)).toMatchObject({
      attributes: { "otel.metric.overflow": true },
      value: { count: 3 },
    });
  });

  it("tells a reader of deltas what was recorded since the last look", async () => {
    const { histogram, collect } = producing(AggregationTemporality.DELTA);
    histogram.record(1);
    const [first] = await collect();
    histogram.record(2);
    histogram.record(7);
    const [second] = await collect();
    expect(first?.value).toMatchObject({ count: 1, sum: 1, buckets: { counts: [1, 0, 0] } });
    expect(second?.value).toMatchObject({ count: 2, sum: 9, buckets: { counts: [0, 1, 1] } });
    expect(second?.startTime).toEqual(first?.endTime);
  });
});
