/** What waits in a queue. All but `due` is the queue's. */
export interface QueuedTimeout {
  /** When its time has come, by `performance.now()`. */
  readonly dueMs: number;
  queue: TimeoutQueue | undefined;
  previous: QueuedTimeout | undefined;
  next: QueuedTimeout | undefined;
  /** Its time has come, and it waits no more. */
  due(): void;
}

/**
 * What waits equally long each, so that whoever comes first is due first: one timer for all, and a
 * linked list, so that waiting allocates nothing. The timer stays when nobody waits any more,
 * because somebody mostly will soon. It keeps no process alive: whoever waits has a connection that
 * does. Hot: the small GET of `apps/bench`.
 */
export class TimeoutQueue {
  #first: QueuedTimeout | undefined;
  #last: QueuedTimeout | undefined;
  /** Whether the timer is set: for the first one, or for one that was first and is gone. */
  #isTimerSet = false;

  /** Adds what is due no sooner than all that wait. */
  add(timeout: QueuedTimeout, nowMs: number): void {
    timeout.queue = this;
    timeout.previous = this.#last;
    if (this.#last === undefined) {
      this.#first = timeout;
    } else {
      this.#last.next = timeout;
    }
    this.#last = timeout;
    if (!this.#isTimerSet) {
      this.#setTimer(timeout, nowMs);
    }
  }

  delete(timeout: QueuedTimeout): void {
    const { next, previous } = timeout;
    if (previous === undefined) {
      this.#first = next;
    } else {
      previous.next = next;
    }
    if (next === undefined) {
      this.#last = previous;
    } else {
      next.previous = previous;
    }
    timeout.queue = undefined;
    timeout.previous = undefined;
    timeout.next = undefined;
  }

  #setTimer({ dueMs }: QueuedTimeout, nowMs: number): void {
    this.#isTimerSet = true;
    setTimeout(() => this.#fire(), Math.max(1, dueMs - nowMs)).unref();
  }

  #fire(): void {
    this.#isTimerSet = false;
    const nowMs = performance.now();
    // Timers fire up to a millisecond early.
    for (
      let first = this.#first;
      first !== undefined && first.dueMs <= nowMs + 1;
      first = this.#first
    ) {
      this.delete(first);
      first.due();
    }
    if (this.#first !== undefined && !this.#isTimerSet) {
      this.#setTimer(this.#first, nowMs);
    }
  }
}
