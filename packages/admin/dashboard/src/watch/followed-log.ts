import type { LogRecord } from "@servehttp/admin";
import { type ReadonlySignal, signal } from "@preact/signals";
import { type AdminApi, ApiError } from "../api/admin-api.js";
import { pause, retryDelayMs } from "./retry-delay.js";

/** Records that the page keeps. */
export const recordsMax = 1_000;

/** Records are shown this much later, so that a plugin that prints a lot doesn't keep the page busy. */
const collectMs = 100;

/** The log of a plugin as it comes. */
export class FollowedLog {
  readonly #api: AdminApi;
  readonly #id: string;
  readonly #records = signal<readonly LogRecord[]>([]);
  readonly #trouble = signal<string | undefined>(undefined);
  #collected: LogRecord[] = [];
  #lastEventId: string | undefined;

  constructor(api: AdminApi, id: string) {
    this.#api = api;
    this.#id = id;
  }

  /** The last ones, oldest first. */
  get records(): ReadonlySignal<readonly LogRecord[]> {
    return this.#records;
  }

  /** Why nothing comes at the moment; undefined: all is well. */
  get trouble(): ReadonlySignal<string | undefined> {
    return this.#trouble;
  }

  /** Follows until the signal aborts. What it misses while the host is away comes later. */
  async run(until: AbortSignal): Promise<void> {
    let failures = 0;
    while (!until.aborted) {
      try {
        for await (const { event, data, id } of this.#api.logs(
          this.#id,
          this.#lastEventId,
          until,
        )) {
          failures = 0;
          this.#trouble.value = undefined;
          this.#lastEventId = id ?? this.#lastEventId;
          if (event === "record") {
            this.#collect(JSON.parse(data) as LogRecord);
          }
        }
        throw new ApiError("The log has ended.");
      } catch (error) {
        if (until.aborted) {
          return;
        }
        failures += 1;
        this.#trouble.value = error instanceof ApiError ? error.message : "The connection broke.";
        await pause(retryDelayMs(failures), until);
      }
    }
  }

  #collect(record: LogRecord): void {
    if (this.#collected.push(record) > 1) {
      return;
    }
    setTimeout(() => {
      const known = this.#records.peek();
      // A host that was started anew counts from the beginning.
      const isAnother = (known.at(-1)?.id ?? 0) >= (this.#collected[0]?.id ?? 0);
      this.#records.value = [...(isAnother ? [] : known), ...this.#collected].slice(-recordsMax);
      this.#collected = [];
    }, collectMs);
  }
}
