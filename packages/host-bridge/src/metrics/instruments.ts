import type { Histogram, Meter, Observable } from "@opentelemetry/api";
import { type MetricDefinition, type MetricKey, metricDefinitions } from "./metric-definitions.js";

/** Makes a histogram. */
export function histogramOf(meter: Meter, key: MetricKey): Histogram {
  const { name, ...options } = optionsOf(key);
  return meter.createHistogram(name, options);
}

/** Makes a counter, of either kind, that is read when somebody collects. */
export function observableOf(meter: Meter, key: MetricKey): Observable {
  const { name, ...options } = optionsOf(key);
  return metricDefinitions[key].kind === "counter"
    ? meter.createObservableCounter(name, options)
    : meter.createObservableUpDownCounter(name, options);
}

function optionsOf(key: MetricKey) {
  const { advice, description, name, unit }: MetricDefinition = metricDefinitions[key];
  return { name, description, unit, ...(advice !== undefined && { advice }) };
}
