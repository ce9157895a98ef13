import { type Logger, ServeHTTPError } from "@servehttp/host-bridge";
import {
  AggregationTemporality,
  InstrumentType,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import type { PushMetricExporter } from "@opentelemetry/sdk-metrics";
import { pushFailureSaidMs } from "../limits.js";
import { HistogramProducer, type HistogramsByMeter } from "./histogram-producer.js";

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Makes what pushes metrics to a collector, where the `OTEL_…` variables ask for it. A collector that
 * is down or hangs costs a line of the log a minute, and nothing else: what it has missed is in the
 * next push, because totals are sent.
 *
 * @throws ServeHTTPError `invalid-argument` for what a variable asks for and there is not
 */
export async function pushReader(
  environment: Environment,
  histograms: HistogramsByMeter,
  logger: Pick<Logger, "warn">,
): Promise<PeriodicExportingMetricReader | undefined> {
  if (!wantsPush(environment)) {
    return undefined;
  }
  checkProtocol(environment);
  const intervalMs = readMs(environment, "OTEL_METRIC_EXPORT_INTERVAL", 60_000);
  const timeoutMs = readMs(environment, "OTEL_METRIC_EXPORT_TIMEOUT", 30_000);
  // It takes as long to load as the rest of a host; it reads the other variables itself.
  const { OTLPMetricExporter } = await import("@opentelemetry/exporter-metrics-otlp-proto");
  const exporter = new OTLPMetricExporter();
  const temporality = exporter.selectAggregationTemporality(InstrumentType.HISTOGRAM);
  return new PeriodicExportingMetricReader({
    exporter: tellingExporter(exporter, logger),
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis: Math.min(timeoutMs, intervalMs),
    metricProducers: [new HistogramProducer(histograms, temporality)],
  });
}

function wantsPush(environment: Environment): boolean {
  if (environment["OTEL_SDK_DISABLED"]?.toLowerCase() === "true") {
    return false;
  }
  const exporters = environment["OTEL_METRICS_EXPORTER"];
  if (exporters !== undefined && exporters !== "") {
    return exporters.split(",").some((one) => one.trim() === "otlp");
  }
  // The specification pushes to localhost by default, where mostly nobody listens.
  return ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"].some(
    (name) => (environment[name] ?? "") !== "",
  );
}

function checkProtocol(environment: Environment): void {
  const names = ["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
  const name = names.find((one) => (environment[one] ?? "") !== "");
  const protocol = name === undefined ? "http/protobuf" : environment[name];
  if (protocol !== "http/protobuf") {
    throw new ServeHTTPError(
      "invalid-argument",
      `${name}: got ${JSON.stringify(protocol)}, allowed is "http/protobuf", for which collectors listen on port 4318`,
    );
  }
}

function readMs(environment: Environment, name: string, defaultMs: number): number {
  const given = environment[name];
  if (given === undefined || given === "") {
    return defaultMs;
  }
  const ms = Number(given);
  if (!Number.isInteger(ms) || ms < 1) {
    throw new ServeHTTPError(
      "invalid-argument",
      `${name}: got ${JSON.stringify(given)}, allowed is a whole number of milliseconds, 1 or more`,
    );
  }
  return ms;
}

/** An exporter that tells of failures, once a minute at most. */
function tellingExporter(
  exporter: PushMetricExporter,
  logger: Pick<Logger, "warn">,
): PushMetricExporter {
  let saidMs = Number.NEGATIVE_INFINITY;
  let failures = 0;
  const tell = (error: Error | undefined): void => {
    failures += 1;
    const nowMs = performance.now();
    if (nowMs - saidMs >= pushFailureSaidMs) {
      saidMs = nowMs;
      const details = { failures, cause: error?.message };
      logger.warn(details, "metrics could not be pushed to the collector");
    }
  };
  return {
    export: (metrics, done) =>
      exporter.export(metrics, (result) => {
        if (result.error !== undefined) {
          tell(result.error);
        }
        // Failures are told; the reader would tell them to nobody.
        done({ code: 0 });
      }),
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
    selectAggregationTemporality: (type) =>
      exporter.selectAggregationTemporality?.(type) ?? AggregationTemporality.CUMULATIVE,
  };
}
