import type { TracerProvider } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  BatchSpanProcessor,
  type SpanExporter,
  TracerProvider as SdkTracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Logger } from "@servehttp/host-bridge";
import { lastExportMs } from "../limits.js";
import { hostResource } from "../otlp/host-resource.js";
import { type Environment, readWhole } from "../otlp/otlp-environment.js";
import { tellFailures } from "../otlp/tell-failures.js";
import { readSampler } from "./read-sampler.js";
import { SampleFirst } from "./sample-first.js";
import { TraceIds } from "./trace-ids.js";

/** A tracer provider whose spans go to a collector. */
export class TraceExporting {
  readonly #provider: SdkTracerProvider;
  readonly tracerProvider: TracerProvider;
  #closing: Promise<void> | undefined;

  /** @throws ServeHTTPError `invalid-argument` for a variable that asks for what there is not */
  constructor(environment: Environment, logger: Pick<Logger, "warn">) {
    const queueMax = readWhole(environment, "OTEL_BSP_MAX_QUEUE_SIZE", 2_048, "spans");
    const batchMax = readWhole(environment, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512, "spans");
    const { rootShare, sampler } = readSampler(environment);
    const ids = new TraceIds();
    this.#provider = new SdkTracerProvider({
      resource: hostResource(),
      sampler,
      idGenerator: ids,
      spanProcessors: [
        new BatchSpanProcessor({
          // It reads the other variables itself.
          exporter: tellingExporter(new OTLPTraceExporter(), logger),
          maxQueueSize: queueMax,
          maxExportBatchSize: Math.min(batchMax, queueMax),
          scheduledDelayMillis: readMs(environment, "OTEL_BSP_SCHEDULE_DELAY", 5_000),
          exportTimeoutMillis: readMs(environment, "OTEL_BSP_EXPORT_TIMEOUT", 30_000),
        }),
      ],
    });
    this.tracerProvider = new SampleFirst(this.#provider, { sampler, rootShare, ids });
  }

  close(): Promise<void> {
    this.#closing ??= shutDown(this.#provider);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function readMs(environment: Environment, name: string, fallbackMs: number): number {
  return readWhole(environment, name, fallbackMs, "milliseconds");
}

async function shutDown(provider: SdkTracerProvider): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, lastExportMs);
  const done = provider.shutdown().catch(() => undefined);
  await Promise.race([done, late.promise]);
  clearTimeout(timer);
}

/** An exporter that tells of failures. The processor would tell them to nobody. */
function tellingExporter(exporter: SpanExporter, logger: Pick<Logger, "warn">): SpanExporter {
  const tell = tellFailures("traces", logger);
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error !== undefined) {
          tell(result.error);
        }
        done(result);
      }),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}
