import { logTailPluginsMax, logTailRecordsMax } from "../limits.js";

/** The last records of the log, by the plugin that they are about. */
export class LogTail {
  readonly #records = new Map<string, string[]>();
  readonly #followers = new Map<string, Set<(record: string) => void>>();

  /** The plugin whose records alone are shown; undefined: all records are. */
  shown: string | undefined;

  /** Takes a record: one line of JSON. Returns whether it is one that is shown. */
  add(record: string): boolean {
    const { plugin } = JSON.parse(record) as { readonly plugin?: unknown };
    const isShown = this.shown === undefined || this.shown === plugin;
    if (typeof plugin !== "string") {
      return isShown;
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
    return isShown;
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
