import type { PluginHost } from "@servehttp/host-bridge";

/** How many requests run on all plugins of a host. */
export function inFlightOf({ plugins }: Pick<PluginHost, "plugins">): number {
  return plugins.reduce((sum, plugin) => sum + plugin.inFlight, 0);
}
