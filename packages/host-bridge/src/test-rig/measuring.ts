import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";

/** A reader that collects when it is asked. */
class TestReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}

interface Point {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly value: unknown;
}

/** A MeterProvider, and what is measured by it. */
export function measuring() {
  const reader = new TestReader();
  const meterProvider = new MeterProvider({ readers: [reader] });
  /** The data points of all metrics by their names. */
  const collect = async () => {
    const { resourceMetrics, errors } = await reader.collect();
    if (errors.length > 0) {
      throw new AggregateError(errors, "the metrics were not collected");
    }
    const all = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    return new Map(all.map((one) => [one.descriptor.name, one]));
  };
  /** The value of the one point of a metric that has these attributes. */
  const valueOf = async (name: string, attributes: Point["attributes"] = {}): Promise<unknown> => {
    const points = ((await collect()).get(name)?.dataPoints ?? []) as readonly Point[];
    const found = points.filter((point) =>
      Object.entries(attributes).every(([key, value]) => point.attributes[key] === value),
    );
    if (found.length !== 1) {
      throw new Error(`${found.length} points of ${name} have ${JSON.stringify(attributes)}`);
    }
    return found[0]?.value;
  };
  return { meterProvider, collect, valueOf };
}
