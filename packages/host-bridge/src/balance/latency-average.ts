/** How fast an average forgets: 10 s, as Finagle's and linkerd's Peak EWMA. */
export const latencyDecayMs = 10_000;

/** Fewer samples than this say nothing. */
const samplesMin = 5;

/**
 * How long an instance takes to answer: the moving average of the logarithms, so a geometric mean,
 * with how sure it is. Samples lose weight with time, not with other samples (Eckner, "Algorithms for
 * unevenly spaced time series"). Hot: an exponential and a logarithm a response.
 */
export class LatencyAverage {
  /** The mean of the logarithms of times in milliseconds. */
  log = 0;
  /** The variance of that mean; infinite while there is too little to tell. */
  variance = Number.POSITIVE_INFINITY;
  /** When the last sample came. */
  atMs = Number.NEGATIVE_INFINITY;
  /** The sum of the weights of all samples. */
  #weight = 0;
  /** The variance of the samples. */
  #spread = 0;

  /** An answer has come, so many milliseconds after its request. */
  sample(ms: number, nowMs: number): void {
    const value = Math.log(Math.max(ms, 0.001));
    const decay = Math.exp(Math.min(0, this.atMs - nowMs) / latencyDecayMs);
    this.atMs = nowMs;
    this.#weight = this.#weight * decay + 1;
    const share = 1 / this.#weight;
    const difference = value - this.log;
    this.log += share * difference;
    this.#spread = (1 - share) * (this.#spread + share * difference * difference);
    this.variance =
      this.#weight < samplesMin ? Number.POSITIVE_INFINITY : this.#spread / (this.#weight - 1);
  }

  /** Forgets everything. */
  reset(): void {
    this.log = 0;
    this.variance = Number.POSITIVE_INFINITY;
    this.atMs = Number.NEGATIVE_INFINITY;
    this.#weight = 0;
    this.#spread = 0;
  }
}
