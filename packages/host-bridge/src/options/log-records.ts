/** The level of a record of the host's log. */
export type LogRecordLevel = "debug" | "info" | "warn" | "error";

/** The least that is logged; `"silent"`: nothing. */
export type LogLevel = LogRecordLevel | "silent";

/** A record of the host's log. A line that a plugin has printed is one, too. */
export interface LogRecord {
  readonly at: Date;
  readonly level: LogRecordLevel;
  /**
   * What it is about, as the logger gets it: `plugin`, `pluginPid`, `requestId`, for a line of a
   * plugin's output `stream`, and what the line has of its own where it is a record in JSON.
   */
  readonly details: Readonly<Record<string, unknown>>;
  /** One line; what plugins say is escaped in it. */
  readonly message: string;
}

/** Whoever follows a log. */
export class LogFollowers {
  readonly #followers = new Set<(record: LogRecord) => void>();

  /** Calls back for each record. Returns the function that ends it. */
  add(follower: (record: LogRecord) => void): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  get isEmpty(): boolean {
    return this.#followers.size === 0;
  }

  tell(record: LogRecord): void {
    for (const follower of this.#followers) {
      try {
        follower(record);
      } catch {
        // A record about it would come here again.
      }
    }
  }
}
