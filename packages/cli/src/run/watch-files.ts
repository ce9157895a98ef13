import { existsSync, unwatchFile, watchFile } from "node:fs";
import { resolve } from "node:path";
import type { PluginOptions } from "@servehttp/host-bridge";
import { pluginFiles, type PluginWatch, watchPlugins } from "@servehttp/host-bridge/watch";
import type { Settings } from "../config/settings.js";
import { configPollMs } from "../limits.js";
import type { Companion } from "./running-host.js";

/**
 * Reloads plugins when their files change, and the config when that does, where the settings say so.
 */
export const watchFiles: Companion = async ({ host, config, logger, settings }) => {
  if (!settings.watch) {
    return () => undefined;
  }
  const { file } = settings;
  let watch: PluginWatch = await watchPlugins(host, { files: filesOf(settings) });
  const renew = async (): Promise<void> => {
    await watch.close();
    watch = await watchPlugins(host, { files: filesOf(config.settings) });
  };
  const reload = (): void => {
    // What is wrong with it is in the log.
    void config.reload().then(renew, () => undefined);
  };
  if (file !== undefined) {
    watchFile(file, { interval: configPollMs }, reload);
  }
  logger.info({}, "watching: plugins reload when their files change");
  return async () => {
    if (file !== undefined) {
      unwatchFile(file, reload);
    }
    await watch.close();
  };
};

function filesOf({ host: { plugins = {} } }: Settings): Record<string, readonly string[]> {
  const files = Object.entries(plugins).map(([id, plugin]) => [id, filesOfPlugin(plugin)]);
  return Object.fromEntries(files) as Record<string, readonly string[]>;
}

/** The folder of its script, which may not be the one that it runs in. */
function filesOfPlugin(plugin: PluginOptions): readonly string[] {
  if (!("command" in plugin) || plugin.command === undefined) {
    return [];
  }
  const { command, cwd = "." } = plugin;
  const found = command.map((word) => {
    const path = resolve(cwd, word);
    return existsSync(path) ? path : word;
  });
  return pluginFiles({ command: found });
}
