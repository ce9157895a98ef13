import { logTailPluginsMax, logTailRecordsMax } from "../limits.js";

/** The last records of the log, by the plugin that they are about. */
export class LogTail {
  readonly #records = new Map<string, string[]>();
  readonly #followers = new Map<string, Set<(record: string) => void>>();

  /** Takes a record: one line of JSON. */
  add(record: string): void {
    const { plugin } = JSON.parse(record) as { readonly plugin?: unknown };
    if (typeof plugin !== "string") {
      return;
    }
    const records = this.#records.get(plugin) ?? [];
    records.push(record);
    if (records.length > logTailRecordsMax) {
      records.shift();
    }
    this.#records.set(plugin, records);
    if (this.#records.size > logTailPluginsMax) {
      const [oldest = ""] = this.#records.keys();
      this.#records.delete(oldest);
    }
    for (const follower of this.#followers.get(plugin) ?? []) {
      follower(record);
    }
  }

  /** Those of a plugin, oldest first, a line each. */
  of(plugin: string): readonly string[] {
    return this.#records.get(plugin) ?? [];
  }

  /** Calls back for each new record of a plugin. Returns the function that ends it. */
  follow(plugin: string, follower: (record: string) => void): () => void {
    const followers = this.#followers.get(plugin) ?? new Set();
    followers.add(follower);
    this.#followers.set(plugin, followers);
    return () => {
      followers.delete(follower);
      if (followers.size === 0) {
        this.#followers.delete(plugin);
      }
    };
  }
}
