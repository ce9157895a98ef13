import { ServeHTTPError } from "@servehttp/contract";
import { healthIntervalMs, healthMissesMax, healthTimeoutMs } from "../limits.js";
import type { Clock } from "../process/clock.js";

/** A connection whose other end can be asked how it is. */
export interface AskableConnection {
  /** Resolves with whether the plugin takes exchanges; rejects where it does not answer. */
  isServing(signal: AbortSignal): Promise<boolean>;
}

/** What a health watch is made of. */
export interface HealthWatchOptions {
  /** The connection there is now; undefined while there is none, and then nobody is asked. */
  readonly connection: () => AskableConnection | undefined;
  /** Called when the plugin has left `healthMissesMax` questions without an answer. */
  readonly onHung: (reason: ServeHTTPError) => void;
  readonly clock: Clock;
}

/**
 * Asks one instance of a plugin every `healthIntervalMs` how it is: whether it wants exchanges, and
 * whether it is alive at all. A process whose event loop is blocked keeps its connection, and shows
 * by nothing else.
 */
export class HealthWatch {
  readonly #options: HealthWatchOptions;
  /** Aborts with `stop`. */
  #running: AbortController | undefined;
  /** The connection that was asked last; another one begins anew. */
  #asked: AskableConnection | undefined;
  #serving = true;
  #misses = 0;

  constructor(options: HealthWatchOptions) {
    this.#options = options;
  }

  /** False while the plugin says on this connection that it takes nothing new. */
  get serving(): boolean {
    return this.#serving || this.#asked !== this.#options.connection();
  }

  start(): void {
    if (this.#running === undefined) {
      this.#running = new AbortController();
      this.#plan(this.#running.signal);
    }
  }

  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
  }

  #plan(stopped: AbortSignal): void {
    this.#options.clock.after(healthIntervalMs, stopped, () => void this.#ask(stopped));
  }

  async #ask(stopped: AbortSignal): Promise<void> {
    const connection = this.#options.connection();
    if (connection !== this.#asked) {
      this.#asked = connection;
      this.#serving = true;
      this.#misses = 0;
    }
    if (connection !== undefined) {
      const answer = await this.#answerOf(connection, stopped);
      // A connection that was lost meanwhile has been dealt with by who holds it.
      if (!stopped.aborted && connection === this.#options.connection()) {
        this.#note(answer);
      }
    }
    if (!stopped.aborted) {
      this.#plan(stopped);
    }
  }

  async #answerOf(
    connection: AskableConnection,
    stopped: AbortSignal,
  ): Promise<boolean | undefined> {
    const answered = new AbortController();
    const late = new AbortController();
    this.#options.clock.after(healthTimeoutMs, answered.signal, () => late.abort());
    try {
      return await connection.isServing(AbortSignal.any([stopped, late.signal]));
    } catch {
      // Whatever it was, it was no answer, and that is counted.
      return undefined;
    } finally {
      answered.abort();
    }
  }

  #note(answer: boolean | undefined): void {
    if (answer !== undefined) {
      this.#serving = answer;
      this.#misses = 0;
      return;
    }
    this.#misses += 1;
    if (this.#misses >= healthMissesMax) {
      this.#misses = 0;
      const message = `no answer to ${healthMissesMax} health checks: it hangs`;
      this.#options.onHung(new ServeHTTPError("deadline", message));
    }
  }
}
