import { ServeHTTPError } from "@servehttp/contract";
import {
  healthBusyMsMax,
  healthIntervalMs,
  healthMissesMax,
  healthSampleMs,
  healthTimeoutMs,
} from "../limits.js";
import type { Clock } from "../process/clock.js";
import type { ProcessorTime } from "../process/processor-time.js";

/** What a health watch is made of. */
export interface HealthWatchOptions {
  /** Asks whether the plugin takes exchanges; rejects where it does not answer. */
  readonly isServing: (signal: AbortSignal) => Promise<boolean>;
  /** What the plugin's process has had of the processors; undefined where nobody knows. */
  readonly processorTime: () => ProcessorTime | undefined;
  /** Called when `open` has changed. */
  readonly onChange: () => void;
  /** Called for each question that has no answer in time. */
  readonly onMiss: () => void;
  /** Called once, when the plugin hangs. */
  readonly onHung: (reason: ServeHTTPError) => void;
  readonly clock: Clock;
}

/**
 * Asks a plugin every `healthIntervalMs` how it is: whether it wants exchanges, and whether it is
 * alive at all. A process whose event loop is blocked keeps its connection, and shows by nothing
 * else.
 *
 * A plugin whose answer takes longer than `healthTimeoutMs` gets nothing new until it has answered.
 * It is taken for hung when it slept through three such times while a question waited for it. Time
 * in which no processor was free for it does not count, nor time in which the host itself was late.
 * One that works all the while, or of which nobody knows what it does, has more time.
 */
export class HealthWatch {
  readonly #options: HealthWatchOptions;
  readonly #stopped = new AbortController();
  #isServing = true;
  /** The last question has waited for its answer for too long. */
  #isLate = false;
  /** It has been told that the question under way has no answer in time. */
  #isMissTold = false;
  /** How long it slept while a question waited, since it answered last. */
  #silentMs = 0;
  /** How long it worked meanwhile, or may have. */
  #busyMs = 0;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
    this.#plan();
  }

  /** Whether the plugin takes exchanges now. */
  get open(): boolean {
    return this.#isServing && !this.#isLate;
  }

  stop(): void {
    this.#stopped.abort();
  }

  #plan(): void {
    this.#options.clock.after(healthIntervalMs, this.#stopped.signal, () => void this.#ask());
  }

  async #ask(): Promise<void> {
    const { clock, isServing } = this.#options;
    const { signal } = this.#stopped;
    const answered = new AbortController();
    const unanswered = AbortSignal.any([signal, answered.signal]);
    this.#isMissTold = false;
    clock.after(healthSampleMs, unanswered, () => this.#count(unanswered));
    try {
      const answer = await isServing(signal);
      this.#silentMs = 0;
      this.#busyMs = 0;
      this.#set(answer, false);
    } catch {
      // Whatever it was, it was no answer.
      this.#miss(healthTimeoutMs, 0);
      this.#tellOfMiss();
    }
    answered.abort();
    this.#plan();
  }

  /** Counts what the plugin does for as long as a question has no answer. */
  #count(unanswered: AbortSignal): void {
    const { clock, processorTime } = this.#options;
    const before = processorTime();
    const sinceMs = clock.nowMs();
    clock.after(healthSampleMs, unanswered, () => {
      const passedMs = clock.nowMs() - sinceMs;
      // Where the host is late, the answer may lie here unread.
      if (passedMs < 2 * healthSampleMs) {
        this.#add(passedMs, before, processorTime());
      }
      if (!unanswered.aborted) {
        this.#count(unanswered);
      }
    });
  }

  #add(passedMs: number, before?: ProcessorTime, now?: ProcessorTime): void {
    if (before === undefined || now === undefined) {
      this.#miss(0, passedMs);
      return;
    }
    const usedMs = Math.max(0, now.usedMs - before.usedMs);
    const waitedMs = Math.max(0, now.waitedMs - before.waitedMs);
    this.#miss(Math.max(0, passedMs - usedMs - waitedMs), Math.min(usedMs, passedMs));
  }

  #miss(silentMs: number, busyMs: number): void {
    if (this.#stopped.signal.aborted) {
      return;
    }
    this.#silentMs += silentMs;
    this.#busyMs += busyMs;
    const unansweredMs = this.#silentMs + this.#busyMs;
    // The first sample is where counting begins, and the last one comes a little early.
    this.#set(this.#isServing, unansweredMs > healthTimeoutMs - 1.5 * healthSampleMs);
    if (this.#isLate) {
      this.#tellOfMiss();
    }
    const isSilent = this.#silentMs > healthMissesMax * healthTimeoutMs - 1.5 * healthSampleMs;
    if (isSilent || this.#busyMs > healthBusyMsMax) {
      this.stop();
      const seconds = Math.round(unansweredMs / 1_000);
      const message = `it hangs: no answer to a health check for ${seconds} s`;
      this.#options.onHung(new ServeHTTPError("deadline", message));
    }
  }

  #tellOfMiss(): void {
    if (!this.#isMissTold && !this.#stopped.signal.aborted) {
      this.#isMissTold = true;
      this.#options.onMiss();
    }
  }

  #set(isServing: boolean, isLate: boolean): void {
    const before = this.open;
    this.#isServing = isServing;
    this.#isLate = isLate;
    if (before !== this.open && !this.#stopped.signal.aborted) {
      this.#options.onChange();
    }
  }
}
