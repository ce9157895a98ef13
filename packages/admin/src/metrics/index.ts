export type { Environment } from "../otlp/otlp-environment.js";
export { createMetrics, type Metrics, type MetricsOptions } from "./create-metrics.js";
export { type CollectedMetrics, countedMetrics, sumOfMetrics } from "./collected-metrics.js";
