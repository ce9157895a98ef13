import type { Meter, MeterOptions, MeterProvider, MetricOptions } from "@opentelemetry/api";
import { BoundHistogram } from "./bound-histogram.js";

/** A MeterProvider of the SDK's whose meters make bound histograms. */
export class BoundMeterProvider implements MeterProvider {
  readonly #provider: MeterProvider;
  readonly #histograms: Map<string, BoundHistogram[]>;

  /** @param histograms gets those that are made */
  constructor(provider: MeterProvider, histograms: Map<string, BoundHistogram[]>) {
    this.#provider = provider;
    this.#histograms = histograms;
  }

  getMeter(name: string, version?: string, options?: MeterOptions): Meter {
    const meter = this.#provider.getMeter(name, version, options);
    const made = this.#histograms.get(name) ?? [];
    this.#histograms.set(name, made);
    const createHistogram = (histogram: string, given?: MetricOptions): BoundHistogram => {
      const same = made.find((one) => one.name === histogram);
      if (same !== undefined) {
        return same;
      }
      const added = new BoundHistogram(histogram, given);
      made.push(added);
      return added;
    };
    return {
      createHistogram,
      createCounter: (...args) => meter.createCounter(...args),
      createGauge: (...args) => meter.createGauge(...args),
      createUpDownCounter: (...args) => meter.createUpDownCounter(...args),
      createObservableCounter: (...args) => meter.createObservableCounter(...args),
      createObservableGauge: (...args) => meter.createObservableGauge(...args),
      createObservableUpDownCounter: (...args) => meter.createObservableUpDownCounter(...args),
      addBatchObservableCallback: (...args) => meter.addBatchObservableCallback(...args),
      removeBatchObservableCallback: (...args) => meter.removeBatchObservableCallback(...args),
    };
  }
}
