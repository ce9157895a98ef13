import type { Sample, Series } from "../api/plugin.js";
import { sampleIntervalMs, samplesMax } from "../limits.js";

/** The last samples of one plugin. */
export class PluginSamples {
  readonly #samples: Sample[] = [];

  add(sample: Sample): void {
    this.#samples.push(sample);
    if (this.#samples.length > samplesMax) {
      this.#samples.shift();
    }
  }

  /** The last ones, at most so many, oldest first. */
  series(count: number): Series {
    const samples = count === 0 ? [] : this.#samples.slice(-count);
    return {
      intervalMs: sampleIntervalMs,
      atUnixMs: samples.map(({ atUnixMs }) => atUnixMs),
      requestsPerSecond: samples.map(({ requestsPerSecond }) => requestsPerSecond),
      p50Ms: samples.map(({ p50Ms }) => p50Ms),
      p99Ms: samples.map(({ p99Ms }) => p99Ms),
      memoryBytes: samples.map(({ memoryBytes }) => memoryBytes),
      inFlight: samples.map(({ inFlight }) => inFlight),
      waiting: samples.map(({ waiting }) => waiting),
    };
  }
}
