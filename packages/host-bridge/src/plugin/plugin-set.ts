import { isThenable, loggableError, type Logger, ServeHTTPError } from "@servehttp/contract";
import type { Destination } from "../exchange/destination.js";
import type {
  CommandSettings,
  HandlerSettings,
  PluginSettings,
  UrlSettings,
} from "../options/read-options.js";
import type { Clock } from "../process/clock.js";
import type { Mounts } from "../routing/mounts.js";
import type { PluginExchanges } from "./connected-plugin.js";
import { HostedPlugin, type InstanceWatch } from "./hosted-plugin.js";
import type { Instance } from "./plugin-instances.js";
import { handlerStatus, hostedStatus, type PluginStatus } from "./plugin-status.js";

/** A plugin outside the host's process. */
export type OutsideSettings = CommandSettings | UrlSettings;

/** What the plugins of a host are made with. */
export interface PluginSetOptions {
  readonly chunkBytes: number;
  readonly logger: Required<Logger>;
  readonly clock: Clock;
  /** Told of each plugin that is there. */
  readonly mounts: Pick<Mounts, "add" | "remove">;
  readonly makeInstances: (
    settings: OutsideSettings,
    shared: PluginExchanges,
    watch: InstanceWatch,
  ) => readonly Instance[];
  /** Called when all plugins have stopped. */
  readonly onStopped: () => Promise<void>;
}

/** A plugin inside the host's process. */
interface HandlerPlugin {
  readonly status: PluginStatus;
  readonly destination: Destination;
}

/** The plugins of a host by their id. */
export class PluginSet {
  readonly #options: PluginSetOptions;
  readonly #plugins = new Map<string, HostedPlugin | HandlerPlugin>();
  readonly #stateListeners = new Set<(status: PluginStatus) => void>();
  #saidNotStarted = false;

  constructor(options: PluginSetOptions) {
    this.#options = options;
  }

  /** In the order in which they were added. */
  get statuses(): readonly PluginStatus[] {
    return Array.from(this.#plugins.values(), (plugin) =>
      plugin instanceof HostedPlugin ? hostedStatus(plugin) : plugin.status,
    );
  }

  /** Where a request for a plugin goes now. */
  destination(id: string): Destination {
    const plugin = this.#plugins.get(id);
    if (plugin === undefined) {
      return notFound;
    }
    if (!(plugin instanceof HostedPlugin)) {
      return plugin.destination;
    }
    if (!plugin.wasStarted && !this.#saidNotStarted) {
      this.#saidNotStarted = true;
      this.#options.logger.error(
        { plugin: id },
        "a request came for a plugin that was never started, and is answered 503: call host.start() first",
      );
    }
    return plugin.destination();
  }

  /** Tells of a request that was answered with an error in the place of its plugin. */
  refused(id: string, error: ServeHTTPError): void {
    const plugin = this.#plugins.get(id);
    if (plugin instanceof HostedPlugin) {
      plugin.refused(error);
    }
  }

  /** Adds a plugin, which does not start by itself. */
  add(settings: PluginSettings): void {
    const { id } = settings;
    if (this.#plugins.has(id)) {
      throw new ServeHTTPError(
        "invalid-argument",
        `there is a plugin ${JSON.stringify(id)} already`,
      );
    }
    this.#options.mounts.add(settings);
    this.#plugins.set(
      id,
      settings.kind === "handler" ? handlerPlugin(settings) : this.#hosted(settings),
    );
  }

  /**
   * Starts one plugin. Resolves when it is ready.
   *
   * @throws ServeHTTPError why its first attempt failed; later ones are made all the same
   */
  async start(id: string): Promise<void> {
    const plugin = this.#known(id);
    if (plugin instanceof HostedPlugin) {
      await plugin.start();
    }
  }

  /** Starts all plugins. Resolves when each is ready or has failed for the first time. */
  async startAll(): Promise<void> {
    await Promise.allSettled(this.#hostedPlugins.map((plugin) => plugin.start()));
  }

  /** Drains a plugin, stops it and forgets it. */
  async remove(id: string): Promise<void> {
    const plugin = this.#known(id);
    if (plugin instanceof HostedPlugin) {
      const reason = new ServeHTTPError("host-stopping", "the plugin was removed");
      await plugin.remove(plugin.drainMs, reason);
    }
    if (this.#plugins.get(id) === plugin) {
      this.#plugins.delete(id);
      this.#options.mounts.remove(id);
    }
  }

  /** Replaces every instance of a plugin by a new one. */
  async reload(id: string): Promise<void> {
    const plugin = this.#known(id);
    if (plugin instanceof HostedPlugin) {
      await plugin.reload(plugin.drainMs);
    }
  }

  /** Stops all plugins, each within `drainMs` or its own. */
  async stopAll(drainMs: number | undefined): Promise<void> {
    const reason = new ServeHTTPError("host-stopping", "the host is stopping");
    await Promise.all(
      this.#hostedPlugins.map((plugin) => plugin.stop(drainMs ?? plugin.drainMs, reason)),
    );
    await this.#options.onStopped();
  }

  /** Calls back at every change of a plugin's state. Returns the function that ends it. */
  onStateChange(listener: (status: PluginStatus) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  get #hostedPlugins(): readonly HostedPlugin[] {
    return [...this.#plugins.values()].filter((plugin) => plugin instanceof HostedPlugin);
  }

  #known(id: string): HostedPlugin | HandlerPlugin {
    const plugin = this.#plugins.get(id);
    if (plugin === undefined) {
      throw new ServeHTTPError("invalid-argument", `there is no plugin ${JSON.stringify(id)}`);
    }
    return plugin;
  }

  #hosted(settings: OutsideSettings): HostedPlugin {
    const { chunkBytes, clock, logger, makeInstances } = this.#options;
    const { id, limits, timeouts } = settings;
    const hosted: HostedPlugin = new HostedPlugin(
      {
        id,
        chunkBytes,
        times: timeouts,
        drainMs: timeouts.drainMs,
        waitMs: timeouts.waitMs,
        ...limits,
        logger,
        clock,
        makeInstances: (shared, watch) => makeInstances(settings, shared, watch),
      },
      () => this.#tell(hosted),
    );
    return hosted;
  }

  #tell(plugin: HostedPlugin): void {
    // A plugin's supervision does not depend on who watches it.
    const onThrown = (thrown: unknown): void => {
      const details = { err: loggableError(thrown), plugin: plugin.id };
      this.#options.logger.error(details, "a listener of state changes threw");
    };
    for (const listener of this.#stateListeners) {
      try {
        const returned: unknown = listener(hostedStatus(plugin));
        if (isThenable(returned)) {
          returned.then(undefined, onThrown);
        }
      } catch (thrown) {
        onThrown(thrown);
      }
    }
  }
}

const notFound: Destination = { kind: "not-found" };

function handlerPlugin(settings: HandlerSettings): HandlerPlugin {
  return {
    status: handlerStatus(settings, new Date()),
    destination: { kind: "handler", handler: settings.handler },
  };
}
