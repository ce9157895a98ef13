import { isDeepStrictEqual } from "node:util";
import type { PluginSettings } from "../options/read-options.js";

/** What new options mean for each plugin, by its id. */
export interface PluginChanges {
  /** They were not there before. */
  readonly added: readonly string[];
  /** Their options are other ones. */
  readonly changed: readonly string[];
  /** The new options don't have them. */
  readonly removed: readonly string[];
  /** Their options are the same, so they notice nothing. */
  readonly unchanged: readonly string[];
}

/**
 * Compares plugins with those that are there. Options are compared by value with all defaults filled
 * in, functions by identity.
 */
export function pluginChanges(
  present: ReadonlyMap<string, PluginSettings>,
  next: ReadonlyMap<string, PluginSettings>,
): PluginChanges {
  const ids = [...next.keys()];
  const kept = ids.filter((id) => present.has(id));
  const isSame = (id: string): boolean => isDeepStrictEqual(present.get(id), next.get(id));
  return {
    added: ids.filter((id) => !present.has(id)),
    changed: kept.filter((id) => !isSame(id)),
    removed: [...present.keys()].filter((id) => !next.has(id)),
    unchanged: kept.filter(isSame),
  };
}
