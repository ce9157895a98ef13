import {
  PluginLaunch,
  type LaunchedConnection,
  type PluginLaunchOptions,
} from "./plugin-launch.js";
import type { SharedProcess } from "./shared-process.js";

/**
 * Starts the processes of one instance of a plugin, and connects to them. Where a process closes
 * its connection in good order and goes on listening, as servers do that limit the age of
 * connections, the next launch connects to it again.
 */
export class PluginLauncher<Connection extends LaunchedConnection> {
  readonly #options: PluginLaunchOptions<Connection>;
  #latest: SharedProcess | undefined;

  constructor(options: PluginLaunchOptions<Connection>) {
    this.#options = options;
  }

  launch(): PluginLaunch<Connection> {
    const running = this.#latest?.isOver === false ? this.#latest : undefined;
    return new PluginLaunch(this.#options, running, (spawned) => {
      this.#latest = spawned;
    });
  }
}
