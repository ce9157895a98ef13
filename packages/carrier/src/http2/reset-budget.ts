import { streamResetsBurst, streamResetsPerSecond } from "../limits.js";

/**
 * How many streams of a connection may still be reset before its peer might take that for an
 * attack.
 */
export class ResetBudget {
  readonly #nowMs: () => number;
  #resets = streamResetsBurst;
  #countedMs: number;

  /** `nowMs` is a clock that only goes forward. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#countedMs = nowMs();
  }

  /** How many there are now. */
  get left(): number {
    if (this.#resets < streamResetsBurst) {
      const nowMs = this.#nowMs();
      const earned = ((nowMs - this.#countedMs) * streamResetsPerSecond) / 1_000;
      this.#resets = Math.min(streamResetsBurst, this.#resets + earned);
      this.#countedMs = nowMs;
    }
    return Math.floor(this.#resets);
  }

  /** A stream was reset. */
  take(): void {
    if (this.#resets === streamResetsBurst) {
      this.#countedMs = this.#nowMs();
    }
    this.#resets -= 1;
  }
}
