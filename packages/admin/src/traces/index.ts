export { createTraces, type Traces, type TracesOptions } from "./create-traces.js";
export type { Environment } from "../otlp/otlp-environment.js";
