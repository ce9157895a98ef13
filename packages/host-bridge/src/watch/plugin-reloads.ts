import { ServeHTTPError } from "@servehttp/contract";
import type { Clock } from "../process/clock.js";

/** What became of a change. */
export interface PluginReload {
  readonly id: string;
  /** What has changed. */
  readonly files: readonly string[];
  /**
   * Undefined where the new processes get every request by now. Otherwise why they did not start,
   * with what they said last on standard error: the old ones keep running.
   */
  readonly error: ServeHTTPError | undefined;
}

/** What reloads of a plugin are made with. */
export interface PluginReloadsOptions {
  readonly id: string;
  /** Resolves when the new processes get every request. */
  readonly reload: () => Promise<void>;
  readonly onReload: (reload: PluginReload) => void;
  /** How long nothing may change until it reloads, in milliseconds. */
  readonly settleMs: number;
  readonly clock: Clock;
}

/**
 * Reloads one plugin behind changes of its files: once for changes that come together, and once more
 * for those that come while it reloads.
 */
export class PluginReloads {
  readonly #options: PluginReloadsOptions;
  #files = new Set<string>();
  #settling = new AbortController();
  #isReloading = false;
  #isClosed = false;

  constructor(options: PluginReloadsOptions) {
    this.#options = options;
  }

  /** A file has changed, or is there, or is gone. */
  changed(file: string): void {
    if (this.#isClosed) {
      return;
    }
    this.#files.add(file);
    this.#settling.abort();
    this.#settling = new AbortController();
    const { clock, settleMs } = this.#options;
    clock.after(settleMs, this.#settling.signal, () => void this.#reload());
  }

  /** Ends it. A reload that runs goes on, and nobody is told of it. */
  close(): void {
    this.#isClosed = true;
    this.#settling.abort();
  }

  async #reload(): Promise<void> {
    if (this.#isReloading) {
      // It looks again when it is done.
      return;
    }
    this.#isReloading = true;
    while (this.#files.size > 0 && !this.#isClosed) {
      const files = [...this.#files];
      this.#files = new Set();
      const error = await this.#attempt();
      if (!this.#isClosed) {
        this.#options.onReload({ id: this.#options.id, files, error });
      }
    }
    this.#isReloading = false;
  }

  async #attempt(): Promise<ServeHTTPError | undefined> {
    try {
      await this.#options.reload();
      return undefined;
    } catch (error) {
      return ServeHTTPError.from(error);
    }
  }
}
