import type { TracerProvider } from "@opentelemetry/api";
import type { Logger } from "@servehttp/host-bridge";
import { checkProtocol, type Environment, wantsExport } from "../otlp/otlp-environment.js";
import { processWarnings } from "../otlp/tell-failures.js";

/** Options of `createTraces`. */
export interface TracesOptions {
  /**
   * The `OTEL_…` variables that are read here: OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER,
   * OTEL_TRACES_SAMPLER, OTEL_BSP_SCHEDULE_DELAY and the like. Addresses, headers, certificates and
   * times of the export are read of the process. Default: `process.env`.
   */
  readonly environment?: Environment;
  /** Is told that traces did not reach the collector. Default: a warning of the process. */
  readonly logger?: Pick<Logger, "warn">;
}

/** Traces of a host, for a collector. */
export interface Traces extends AsyncDisposable {
  /** For the option `tracerProvider` of `createPluginHost`. */
  readonly tracerProvider: TracerProvider;
  /** Sends what is left, for 3 s at most, and ends. */
  close(): Promise<void>;
}

/**
 * Makes what sends the traces of a host to a collector, on OpenTelemetry's SDK (OTLP over HTTP).
 * Undefined where no `OTEL_…` variable asks for it. A collector that is down or hangs costs spans, and
 * a line of the log a minute: no request waits for it, and at most 2,048 spans wait in memory
 * (OTEL_BSP_MAX_QUEUE_SIZE).
 *
 * ```ts
 * const traces = await createTraces();
 * const host = createPluginHost({ plugins, tracerProvider: traces?.tracerProvider });
 * ```
 *
 * @throws ServeHTTPError `invalid-argument` for a variable that asks for what there is not
 */
export async function createTraces(options: TracesOptions = {}): Promise<Traces | undefined> {
  const { environment = process.env, logger = processWarnings } = options;
  if (!wantsExport(environment, "TRACES")) {
    return undefined;
  }
  checkProtocol(environment, "TRACES");
  // The SDK takes as long to load as the rest of a host.
  const { TraceExporting } = await import("./trace-exporting.js");
  return new TraceExporting(environment, logger);
}
