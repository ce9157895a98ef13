import type { WatchedPlugin } from "../watch/watched-plugin.js";

/** A host counts nothing of a handler in its own process. The zeros in its samples mean nothing. */
export function isCounted(plugin: WatchedPlugin): boolean {
  return plugin.status.value.state !== "in-process";
}
