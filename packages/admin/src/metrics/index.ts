export type { Environment } from "../otlp/otlp-environment.js";
export { createMetrics, type Metrics, type MetricsOptions } from "./create-metrics.js";
