import { windowMs } from "../model/columns.js";
import { keepsFailing } from "../model/headline.js";
import { lookOf } from "../model/plugin-state.js";
import { failureTimes } from "../model/timeline.js";
import type { WatchedHost } from "../watch/watched-host.js";
import type { WatchedPlugin } from "../watch/watched-plugin.js";

/** How a plugin is, and has been in the last minutes. */
export interface Trouble {
  readonly state: string;
  /** How often it failed in the last minutes. */
  readonly failures: number;
  /** Whether somebody should look. */
  readonly isBad: boolean;
}

export function troubleOf(plugin: WatchedPlugin, host: WatchedHost): Trouble {
  const { state } = plugin.status.value;
  const now = host.nowUnixMs.value;
  const failures = failureTimes(plugin.changes.value, now - windowMs, now).length;
  return {
    state,
    failures,
    isBad: lookOf(state).tone === "bad" || keepsFailing({ state, failures }),
  };
}
