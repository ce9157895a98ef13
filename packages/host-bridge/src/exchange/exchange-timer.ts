import { headExtensionMsMax } from "../limits.js";

/** The times of one exchange, in milliseconds; 0 is no limit. */
export interface ExchangeTimes {
  /**
   * From the last byte of the request that went to the plugin to the final head of the response.
   */
  readonly headMs: number;
  /** Without anything moving in either direction, once the head is there. */
  readonly idleMs: number;
  /** The exchange as a whole. */
  readonly totalMs: number;
}

/**
 * The clock of one exchange: one timer, set for the first time that could run out. What happens
 * meanwhile is noted, and counted when the timer fires, so that a part costs no timer of its own.
 */
export class ExchangeTimer {
  readonly #times: ExchangeTimes;
  readonly #onExpired: (message: string) => void;
  readonly #startedMs: number;
  /** When the head is due; 0 for never, or once it is there. */
  #headDueMs: number;
  #awaitingHead = true;
  #movedMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer fires. */
  #armedForMs = Number.POSITIVE_INFINITY;

  constructor(times: ExchangeTimes, onExpired: (message: string) => void) {
    this.#times = times;
    this.#onExpired = onExpired;
    const nowMs = performance.now();
    this.#startedMs = nowMs;
    this.#movedMs = nowMs;
    this.#headDueMs = times.headMs === 0 ? 0 : nowMs + times.headMs;
    this.#arm(nowMs);
  }

  /** Something of the request went to the plugin: the whole head time counts from now. */
  requestMoved(): void {
    this.#movedMs = performance.now();
    if (this.#headDueMs !== 0) {
      this.#headDueMs = Math.max(this.#headDueMs, this.#movedMs + this.#times.headMs);
    }
  }

  /** Something of the response came from the plugin, or went on to the client. */
  responseMoved(): void {
    this.#movedMs = performance.now();
  }

  headArrived(): void {
    this.#awaitingHead = false;
    this.#headDueMs = 0;
    this.#movedMs = performance.now();
    if (this.#nextDueMs() < this.#armedForMs) {
      this.stop();
      this.#arm(this.#movedMs);
    }
  }

  /**
   * Gives the head more time from now on, but no more than `headExtensionMsMax` after the start.
   */
  extendHead(ms: number): void {
    if (this.#headDueMs === 0) {
      return;
    }
    const nowMs = performance.now();
    const latestMs = this.#startedMs + Math.max(headExtensionMsMax, this.#times.headMs);
    this.#headDueMs = Math.max(this.#headDueMs, Math.min(nowMs + ms, latestMs));
  }

  /** Stops the clock for good. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(nowMs: number): void {
    const dueMs = this.#nextDueMs();
    this.#armedForMs = dueMs;
    this.#timer =
      dueMs === Number.POSITIVE_INFINITY
        ? undefined
        : setTimeout(() => this.#check(), Math.max(1, dueMs - nowMs));
  }

  #nextDueMs(): number {
    const { idleMs, totalMs } = this.#times;
    let dueMs = totalMs === 0 ? Number.POSITIVE_INFINITY : this.#startedMs + totalMs;
    if (this.#headDueMs !== 0) {
      dueMs = Math.min(dueMs, this.#headDueMs);
    }
    if (!this.#awaitingHead && idleMs !== 0) {
      dueMs = Math.min(dueMs, this.#movedMs + idleMs);
    }
    return dueMs;
  }

  #check(): void {
    const nowMs = performance.now();
    const { headMs, idleMs, totalMs } = this.#times;
    // Timers fire up to a millisecond early.
    const reachedMs = nowMs + 1;
    if (totalMs !== 0 && reachedMs >= this.#startedMs + totalMs) {
      this.#onExpired(`the exchange took more than its ${totalMs} ms`);
    } else if (this.#headDueMs !== 0 && reachedMs >= this.#headDueMs) {
      this.#onExpired(`no response head within ${headMs} ms`);
    } else if (!this.#awaitingHead && idleMs !== 0 && reachedMs >= this.#movedMs + idleMs) {
      this.#onExpired(`nothing moved for ${idleMs} ms`);
    } else {
      this.#arm(nowMs);
    }
  }
}
