import { retryBudget } from "../limits.js";

/**
 * How many exchanges of a plugin may still be tried again: some at first, and then one for so many
 * that ended well. So a fleet that goes down is not finished off by what it gives back.
 */
export class RetryBudget {
  /** In exchanges that ended well, so that it stays a whole number. */
  #earned: number = retryBudget.atFirst * retryBudget.exchangesPerRetry;

  /** An exchange has ended well. */
  earn(): void {
    if (this.#earned < retryBudget.max * retryBudget.exchangesPerRetry) {
      this.#earned += 1;
    }
  }

  /** Whether one more may be tried again, which then is. */
  take(): boolean {
    if (this.#earned < retryBudget.exchangesPerRetry) {
      return false;
    }
    this.#earned -= retryBudget.exchangesPerRetry;
    return true;
  }
}
