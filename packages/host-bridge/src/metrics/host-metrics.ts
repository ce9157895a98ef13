import type { BatchObservableResult, Meter, MeterProvider } from "@opentelemetry/api";
import type { RequestObserver } from "../observation/request-observer.js";
import { type MeasuredPlugins, PluginMetrics } from "./plugin-metrics.js";
import { RequestMetrics } from "./request-metrics.js";

/** What a host's metrics are about. */
export interface MeasuredHost extends MeasuredPlugins {
  /** Lets an observer watch all requests. */
  readonly observe: (observer: RequestObserver) => void;
}

interface Measured {
  readonly requests: RequestMetrics;
  readonly plugins: PluginMetrics;
}

/**
 * The metrics of a host, as soon as somebody has registered a MeterProvider: without one nothing is
 * measured and nothing is spent.
 */
export class HostMetrics {
  readonly #given: MeterProvider | undefined;
  readonly #host: MeasuredHost;
  #measured: Measured | undefined;
  /** There while whoever collects is told. */
  #leave: (() => void) | undefined;

  /** @param given Default: the global one, if it is registered before the host starts */
  constructor(given: MeterProvider | undefined, host: MeasuredHost) {
    this.#given = given;
    this.#host = host;
    this.begin();
  }

  /** Begins to measure, if that is possible by now and it has not begun. */
  begin(): void {
    const provider = this.#given ?? globalMeterProvider();
    if (this.#leave !== undefined || provider === undefined) {
      return;
    }
    const meter = provider.getMeter("@servehttp/host-bridge");
    this.#measured ??= this.#measure(meter);
    const { requests, plugins } = this.#measured;
    const observables = [...requests.observables, ...plugins.observables];
    const callback = (result: BatchObservableResult) => {
      requests.observe(result);
      plugins.observe(result);
    };
    meter.addBatchObservableCallback(callback, observables);
    this.#leave = () => meter.removeBatchObservableCallback(callback, observables);
  }

  /** Tells no more of the host, until it begins again. */
  end(): void {
    this.#leave?.();
    this.#leave = undefined;
  }

  #measure(meter: Meter): Measured {
    const requests = new RequestMetrics(meter);
    this.#host.observe(requests);
    return { requests, plugins: new PluginMetrics(meter, this.#host) };
  }

  /** A plugin has become ready, so many milliseconds after its start began. */
  started(pluginId: string, ms: number): void {
    this.#measured?.plugins.started(pluginId, ms);
  }
}

/** Each copy of OpenTelemetry's API, of whatever version below 2, keeps here what was registered with it. */
const registry = Symbol.for("opentelemetry.js.api.1");

/**
 * The MeterProvider that the process has registered. The API itself is not loaded for it, which takes
 * as long as much of what a host loads.
 */
function globalMeterProvider(): MeterProvider | undefined {
  const registered = (globalThis as Record<symbol, unknown>)[registry];
  return (registered as { readonly metrics?: MeterProvider } | undefined)?.metrics;
}
