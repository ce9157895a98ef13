import type { PluginHost } from "@servehttp/host-bridge";

/** What may be done to a plugin. */
export const pluginActions = ["reload", "restart", "stop", "start"] as const;

/** What may be done to a plugin. */
export type PluginAction = (typeof pluginActions)[number];

/**
 * Does it. Resolves when the plugin's new processes get every request, or its old ones are gone.
 *
 * @throws ServeHTTPError as the host's methods do
 */
export async function actOnPlugin(
  host: Pick<PluginHost, "reload" | "start" | "stop">,
  id: string,
  action: PluginAction,
): Promise<void> {
  switch (action) {
    case "reload":
      await host.reload(id, { until: "ready" });
      return;
    case "restart":
      await host.stop({ plugin: id });
      await host.start(id);
      return;
    case "stop":
      await host.stop({ plugin: id });
      return;
    case "start":
      await host.start(id);
  }
}
