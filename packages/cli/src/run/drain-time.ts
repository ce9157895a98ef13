import type { HostOptions } from "@servehttp/host-bridge";

/** `timeouts.drainMs` where nobody says. */
const drainMsDefault = 10_000;

/** The longest time that a plugin of a host may take to drain, in milliseconds. */
export function longestDrainMs({ plugins = {}, timeouts }: HostOptions): number {
  const ofHost = timeouts?.drainMs ?? drainMsDefault;
  const ofPlugins = Object.values(plugins).map((plugin) =>
    "timeouts" in plugin ? (plugin.timeouts?.drainMs ?? ofHost) : ofHost,
  );
  return Math.max(0, ...ofPlugins);
}
