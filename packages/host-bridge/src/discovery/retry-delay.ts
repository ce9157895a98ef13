/** How long until the next attempt: longer after each failure, by a share of chance. */
export class RetryDelay {
  readonly #bounds: { readonly min: number; readonly max: number };
  readonly #chance: () => number;
  #nextMs: number;

  /** @param bounds in milliseconds: the first delay, which doubles up to the last one */
  constructor(bounds: { readonly min: number; readonly max: number }, chance: () => number) {
    this.#bounds = bounds;
    this.#chance = chance;
    this.#nextMs = bounds.min;
  }

  /** The delay after one more failure, in milliseconds, give or take a fifth. */
  next(): number {
    const ms = this.#nextMs;
    this.#nextMs = Math.min(ms * 2, this.#bounds.max);
    return Math.round(ms * (0.8 + 0.4 * this.#chance()));
  }

  /** It went well. */
  reset(): void {
    this.#nextMs = this.#bounds.min;
  }
}
