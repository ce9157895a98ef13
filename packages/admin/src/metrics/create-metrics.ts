import type { MeterProvider } from "@opentelemetry/api";
import {
  MetricReader,
  MeterProvider as SdkMeterProvider,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import type { Logger, NodeRequest, NodeResponse } from "@servehttp/host-bridge";
import { lastExportMs } from "../limits.js";
import { hostResource } from "../otlp/host-resource.js";
import type { BoundHistogram } from "./bound-histogram.js";
import { BoundMeterProvider } from "./bound-meter-provider.js";
import { addMetrics, type CollectedMetrics, collectedMetrics } from "./collected-metrics.js";
import { HistogramProducer } from "./histogram-producer.js";
import { prometheusText } from "./prometheus-text.js";
import { pushReader } from "./push-metrics.js";
import type { Environment } from "../otlp/otlp-environment.js";
import { processWarnings } from "../otlp/tell-failures.js";

/** Options of `createMetrics`. */
export interface MetricsOptions {
  /**
   * The `OTEL_…` variables that are read here: OTEL_SDK_DISABLED, OTEL_METRICS_EXPORTER,
   * OTEL_EXPORTER_OTLP_ENDPOINT and the like. Addresses, headers, certificates and times of the push
   * are read of the process. Default: `process.env`.
   */
  readonly environment?: Environment;
  /** Is told that metrics could not be pushed. Default: a warning of the process. */
  readonly logger?: Pick<Logger, "warn">;
  /**
   * Gives what workers of the host (`host.share`) have collected, by `collect` of their own metrics:
   * it is added to what scrapers get. What is said of plugins, but for what runs on them, is the
   * supervisor's own. Default: none.
   */
  readonly workers?: () => Promise<readonly CollectedMetrics[]>;
}

/** Metrics of a host, for scrapers and collectors. */
export interface Metrics extends AsyncDisposable {
  /** For the option `meterProvider` of `createPluginHost`. */
  readonly meterProvider: MeterProvider;
  /**
   * Answers a scrape, in OpenMetrics or in Prometheus' text, as the scraper asks. For the option
   * `metrics` of `createAdmin`, or at a path of your own, which not everybody should reach.
   */
  readonly listener: (this: void, request: NodeRequest, response: NodeResponse) => void;
  /** What was counted so far, for the supervisor of a host that is a worker. It can be sent as JSON. */
  collect(): Promise<CollectedMetrics>;
  /** Pushes once more where metrics are pushed, for 3 s at most, and ends. */
  close(): Promise<void>;
}

/**
 * Makes what collects the metrics of a host, on OpenTelemetry's SDK, and gives them to Prometheus and,
 * where the `OTEL_…` variables ask for it, to a collector (OTLP over HTTP).
 *
 * ```ts
 * const metrics = await createMetrics();
 * const host = createPluginHost({ plugins, meterProvider: metrics.meterProvider });
 * const admin = createAdmin(host, { token, metrics: metrics.listener });
 * ```
 *
 * @throws ServeHTTPError `invalid-argument` for a variable that asks for what there is not
 */
export async function createMetrics(options: MetricsOptions = {}): Promise<Metrics> {
  const { environment = process.env, logger = processWarnings } = options;
  const { workers = async () => [] } = options;
  const histograms = new Map<string, BoundHistogram[]>();
  const pull = new PullReader({ metricProducers: [new HistogramProducer(histograms)] });
  const push = await pushReader(environment, histograms, logger);
  const provider = new SdkMeterProvider({
    resource: hostResource(),
    readers: push === undefined ? [pull] : [pull, push],
  });
  const close = async () => {
    await provider.shutdown({ timeoutMillis: lastExportMs }).catch(() => undefined);
  };
  const collectAll = async (): Promise<ResourceMetrics> => {
    const [{ resourceMetrics }, others] = await Promise.all([pull.collect(), workers()]);
    return addMetrics(resourceMetrics, others);
  };
  return {
    meterProvider: new BoundMeterProvider(provider, histograms),
    listener: (request, response) => void answer(collectAll, request, response),
    collect: async () => collectedMetrics((await pull.collect()).resourceMetrics),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A reader that collects when somebody asks. */
class PullReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {
    // Nothing of it goes on.
  }

  protected override async onForceFlush(): Promise<void> {
    // It keeps nothing.
  }
}

async function answer(
  collect: () => Promise<ResourceMetrics>,
  { headers, method }: NodeRequest,
  response: NodeResponse,
): Promise<void> {
  try {
    const { contentType, text } = prometheusText(await collect(), headers.accept ?? "");
    response.setHeader("content-type", contentType);
    response.setHeader("content-length", Buffer.byteLength(text));
    response.end(method === "HEAD" ? "" : text);
  } catch {
    // It was closed.
    response.statusCode = 503;
    response.setHeader("content-type", "text/plain; charset=utf-8");
    response.end("no metrics any more: the host is stopping\n");
  }
}
