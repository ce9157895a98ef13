import { loggableError, type Logger, type ServeHTTPError } from "@servehttp/contract";
import type { HostedPlugin } from "../plugin/hosted-plugin.js";
import type { PluginSet } from "../plugin/plugin-set.js";
import type { SupervisedPlugin } from "../plugin/supervised-plugin.js";

type Plugins = Pick<PluginSet, "outsideWithChanging" | "start" | "stop" | "reload">;

/**
 * Does with a worker's plugin what the supervisor says of its own.
 *
 * @param before what it said before; undefined: nothing
 */
export function followPlugin(
  plugins: Plugins,
  seen: SupervisedPlugin,
  before: SupervisedPlugin | undefined,
  logger: Pick<Logger, "warn">,
): void {
  for (const plugin of plugins.outsideWithChanging) {
    if (plugin.id === seen.id && plugin.isFollowed) {
      plugin.follow(seen);
    } else if (plugin.id === seen.id && plugin.wasStarted && before !== undefined) {
      followAddress(plugins, plugin, seen, before)?.catch((error: unknown) => {
        const details = { plugin: seen.id, err: loggableError(error) };
        logger.warn(details, "a worker could not do with the plugin what its supervisor does");
      });
    }
  }
}

/** The supervisor ends a process of a plugin: what runs on it has had its time. */
export function giveUpProcess(
  plugins: Plugins,
  id: string,
  key: string,
  tunnels: boolean,
  reason: ServeHTTPError,
): void {
  for (const plugin of plugins.outsideWithChanging) {
    if (plugin.id === id) {
      plugin.giveUp(key, tunnels, reason);
    }
  }
}

/** A plugin at an address, to which each host has connections of its own. */
function followAddress(
  plugins: Plugins,
  { id, isRunning }: HostedPlugin,
  seen: SupervisedPlugin,
  before: SupervisedPlugin,
): Promise<unknown> | undefined {
  if (seen.isRunning !== isRunning) {
    return seen.isRunning ? plugins.start(id) : plugins.stop(id, undefined);
  }
  return seen.reloads > before.reloads ? plugins.reload(id) : undefined;
}
