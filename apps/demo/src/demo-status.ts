import type { PluginHost } from "@servehttp/host-bridge";

/** What the page shows of the host, for JSON. */
export function demoStatus(host: PluginHost): object {
  return {
    host: {
      pid: process.pid,
      sinceUnixMs: Math.round(performance.timeOrigin),
      memoryBytes: process.memoryUsage.rss(),
    },
    plugins: host.plugins.map(({ since, ...plugin }) => ({
      ...plugin,
      sinceUnixMs: since.getTime(),
    })),
  };
}

/** Kills only a process that the host runs as this plugin now, and has not reaped. */
export function killPlugin(host: PluginHost, pluginId: string): boolean {
  const pid = host.plugins.find(({ id, state }) => id === pluginId && state === "ready")?.pid;
  return pid !== undefined && process.kill(pid, "SIGKILL");
}
