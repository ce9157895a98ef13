import { headExtensionMsMax } from "../limits.js";
import { type QueuedTimeout, TimeoutQueue } from "./timeout-queue.js";

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

/** Who is told that the time of an exchange has run out. */
export interface ExpiryListener {
  /** `message` says which time it was. Called at most once. */
  timeExpired(message: string): void;
}

/**
 * The clock of one exchange, set for the first time that could run out. What happens meanwhile is
 * noted, and counted when that time has come, so that a part sets no timer. Most exchanges wait for
 * a head, all of them equally long, so those of a plugin share one timer.
 */
export class ExchangeTimer implements QueuedTimeout {
  readonly #times: ExchangeTimes;
  readonly #listener: ExpiryListener;
  readonly #startedMs: number;
  /*
   * All times but the first are whole milliseconds, rounded up: an object holds a whole number by
   * itself, and any other one in an object more.
   */
  /** When the head is due; 0 for never, or once it is there. */
  #headDueMs: number;
  #awaitingHead = true;
  #movedMs: number;
  /** Set where it is not in the queue. */
  #timer: NodeJS.Timeout | undefined;
  /** When it is looked at again; 0 for never. */
  dueMs = 0;
  queue: TimeoutQueue | undefined;
  previous: QueuedTimeout | undefined;
  next: QueuedTimeout | undefined;

  constructor(times: ExchangeTimes, listener: ExpiryListener) {
    this.#times = times;
    this.#listener = listener;
    this.#startedMs = performance.now();
    const nowMs = Math.ceil(this.#startedMs);
    this.#movedMs = nowMs;
    this.#headDueMs = times.headMs === 0 ? 0 : nowMs + times.headMs;
    this.#arm(nowMs);
  }

  /** When the exchange began, by `performance.now()`. */
  get startedMs(): number {
    return this.#startedMs;
  }

  /** How long the exchange has run. */
  get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** How long it has been since the last of the request went to the plugin. */
  get sinceSentMs(): number {
    const nowMs = performance.now();
    // Before the head, nothing else moves.
    const isOfStart = this.#movedMs <= Math.ceil(this.#startedMs);
    return Math.max(0, nowMs - (isOfStart ? this.#startedMs : this.#movedMs));
  }

  /** Whether there is no head yet. */
  get awaitsHead(): boolean {
    return this.#awaitingHead;
  }

  /** Something of the request went to the plugin: the whole head time counts from now. */
  requestMoved(): void {
    this.#movedMs = wholeNowMs();
    if (this.#headDueMs !== 0) {
      this.#headDueMs = Math.max(this.#headDueMs, this.#movedMs + this.#times.headMs);
    }
  }

  /** Something of the response came from the plugin, or went on to the client. */
  responseMoved(): void {
    // Before the head nothing is idle, and a look at the clock would be for nothing.
    if (!this.#awaitingHead) {
      this.#movedMs = wholeNowMs();
    }
  }

  headArrived(): void {
    this.#awaitingHead = false;
    this.#headDueMs = 0;
    this.#movedMs = wholeNowMs();
    if (this.dueMs === 0 || this.#nextDueMs() < this.dueMs) {
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
    const nowMs = wholeNowMs();
    const latestMs = Math.ceil(this.#startedMs) + Math.max(headExtensionMsMax, this.#times.headMs);
    this.#headDueMs = Math.max(this.#headDueMs, Math.min(nowMs + ms, latestMs));
  }

  /** Stops the clock for good. */
  stop(): void {
    if (this.queue !== undefined) {
      this.queue.delete(this);
    } else if (this.#timer !== undefined) {
      clearTimeout(this.#timer);
      this.#timer = undefined;
    }
  }

  #arm(nowMs: number): void {
    const { headMs } = this.#times;
    const dueMs = this.#nextDueMs();
    this.dueMs = dueMs === Number.POSITIVE_INFINITY ? 0 : dueMs;
    if (headMs !== 0 && dueMs === nowMs + headMs) {
      queueOf(this.#times).add(this, nowMs);
    } else if (dueMs !== Number.POSITIVE_INFINITY) {
      this.#timer = setTimeout(
        () => {
          this.#timer = undefined;
          this.due();
        },
        Math.max(1, dueMs - nowMs),
      );
    }
  }

  #nextDueMs(): number {
    const { idleMs, totalMs } = this.#times;
    let dueMs = totalMs === 0 ? Number.POSITIVE_INFINITY : Math.ceil(this.#startedMs) + totalMs;
    if (this.#headDueMs !== 0) {
      dueMs = Math.min(dueMs, this.#headDueMs);
    }
    if (!this.#awaitingHead && idleMs !== 0) {
      dueMs = Math.min(dueMs, this.#movedMs + idleMs);
    }
    return dueMs;
  }

  due(): void {
    const { headMs, idleMs, totalMs } = this.#times;
    // Timers fire up to a millisecond early.
    const reachedMs = performance.now() + 1;
    if (totalMs !== 0 && reachedMs >= this.#startedMs + totalMs) {
      this.#listener.timeExpired(`the exchange took more than its ${totalMs} ms`);
    } else if (this.#headDueMs !== 0 && reachedMs >= this.#headDueMs) {
      this.#listener.timeExpired(`no response head within ${headMs} ms`);
    } else if (!this.#awaitingHead && idleMs !== 0 && reachedMs >= this.#movedMs + idleMs) {
      this.#listener.timeExpired(`nothing moved for ${idleMs} ms`);
    } else {
      this.#arm(wholeNowMs());
    }
  }
}

function wholeNowMs(): number {
  return Math.ceil(performance.now());
}

/** By the times of a plugin: its exchanges that wait for a head. */
const queues = new WeakMap<ExchangeTimes, TimeoutQueue>();

function queueOf(times: ExchangeTimes): TimeoutQueue {
  let queue = queues.get(times);
  if (queue === undefined) {
    queue = new TimeoutQueue();
    queues.set(times, queue);
  }
  return queue;
}
