import type * as OpenTelemetry from "@opentelemetry/api";
import { isTracerProviderRegistered } from "@servehttp/contract";
import { sdkVersion } from "./sdk-version.js";

/** OpenTelemetry's API, and the tracer of the SDK that the process has registered. */
export interface Tracing {
  readonly api: typeof OpenTelemetry;
  readonly tracer: OpenTelemetry.Tracer;
}

/**
 * How requests are traced now; undefined where the process has registered no tracer provider of
 * OpenTelemetry. Hot: the small GET of `apps/bench`, where this is one look at a global.
 *
 * The API is loaded when a provider is there, and not with the SDK: that would take as long as all
 * else that a plugin loads (decisions/015). Where the provider comes while exchanges run, those
 * that begin until the API is there are not traced.
 */
export function currentTracing(): Tracing | undefined {
  if (!isTracerProviderRegistered()) {
    return undefined;
  }
  if (api === undefined) {
    void tracingLoaded();
    return undefined;
  }
  const provider = api.trace.getTracerProvider() as Partial<OpenTelemetry.ProxyTracerProvider>;
  if (current?.provider !== provider) {
    // None where the provider is of an API that this one can't speak to.
    const tracer = provider.getDelegateTracer?.("@servehttp/plugin-sdk", sdkVersion);
    current = tracer && { api, provider, tracer };
  }
  return current;
}

/** Resolves when requests are traced; undefined where they are already, or are not to be. */
export function tracingLoaded(): Promise<void> | undefined {
  if (api !== undefined || !isTracerProviderRegistered()) {
    return undefined;
  }
  loading ??= import("@opentelemetry/api").then(
    (loaded) => {
      api = loaded;
    },
    () => {
      // Not installed beside the SDK, as it should be: then there are no traces.
    },
  );
  return loading;
}

let api: typeof OpenTelemetry | undefined;
let loading: Promise<void> | undefined;
let current: (Tracing & { readonly provider: object }) | undefined;
