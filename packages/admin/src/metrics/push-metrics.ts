import type { Logger } from "@servehttp/host-bridge";
import { ExportResultCode } from "@opentelemetry/core";
import {
  AggregationTemporality,
  InstrumentType,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import type { PushMetricExporter } from "@opentelemetry/sdk-metrics";
import {
  checkProtocol,
  type Environment,
  readWhole,
  wantsExport,
} from "../otlp/otlp-environment.js";
import { tellFailures } from "../otlp/tell-failures.js";
import { HistogramProducer, type HistogramsByMeter } from "./histogram-producer.js";

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
  if (!wantsExport(environment, "METRICS")) {
    return undefined;
  }
  checkProtocol(environment, "METRICS");
  const intervalMs = readWhole(environment, "OTEL_METRIC_EXPORT_INTERVAL", 60_000, "milliseconds");
  const timeoutMs = readWhole(environment, "OTEL_METRIC_EXPORT_TIMEOUT", 30_000, "milliseconds");
  // It takes as long to load as the rest of a host; it reads the other variables itself.
  const { OTLPMetricExporter } = await import("@opentelemetry/exporter-metrics-otlp-proto");
  const exporter = tellingExporter(new OTLPMetricExporter(), logger);
  const temporality = exporter.selectAggregationTemporality(InstrumentType.HISTOGRAM);
  return new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: intervalMs,
    exportTimeoutMillis: Math.min(timeoutMs, intervalMs),
    metricProducers: [new HistogramProducer(histograms, temporality)],
  });
}

/** An exporter that tells of failures, once a minute at most. */
function tellingExporter(
  exporter: PushMetricExporter,
  logger: Pick<Logger, "warn">,
): PushMetricExporter & Required<Pick<PushMetricExporter, "selectAggregationTemporality">> {
  const tell = tellFailures("metrics", logger);
  return {
    export: (metrics, done) =>
      exporter.export(metrics, (result) => {
        if (result.error !== undefined) {
          tell(result.error);
        }
        // Failures are told; the reader would tell them to nobody.
        done({ code: ExportResultCode.SUCCESS });
      }),
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
    selectAggregationTemporality: (type) =>
      exporter.selectAggregationTemporality?.(type) ?? AggregationTemporality.CUMULATIVE,
  };
}
