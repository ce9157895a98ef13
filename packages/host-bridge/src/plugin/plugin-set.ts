import { isThenable, loggableError, type Logger, ServeHTTPError } from "@servehttp/contract";
import type { Destination } from "../exchange/destination.js";
import type { Exchange } from "../exchange/exchange.js";
import type {
  CommandSettings,
  DiscoverSettings,
  HandlerSettings,
  PluginSettings,
  UrlSettings,
} from "../options/read-options.js";
import type { Clock } from "../process/clock.js";
import type { Mounts } from "../routing/mounts.js";
import type { PluginExchanges } from "./connected-plugin.js";
import type { Diagnosis } from "./diagnosis.js";
import {
  type FollowSettings,
  HostedPlugin,
  type HostedPluginSettings,
  type InstanceWatch,
} from "./hosted-plugin.js";
import type { MeasuredPlugin } from "./measured-plugin.js";
import { type PluginChanges, pluginChanges } from "./plugin-changes.js";
import type { InstanceGroup } from "./instance-group.js";
import { handlerStatus, hostedStatus, type PluginStatus } from "./plugin-status.js";

/** A plugin outside the host's process. */
export type OutsideSettings = CommandSettings | UrlSettings | DiscoverSettings;

/** What the plugins of a host are made with. */
export interface PluginSetOptions {
  readonly chunkBytes: number;
  readonly logger: Required<Logger>;
  readonly clock: Clock;
  /** Told of each plugin that is there. */
  readonly mounts: Pick<Mounts, "add" | "remove" | "plan">;
  readonly makeInstances: (
    settings: OutsideSettings,
    shared: PluginExchanges,
    watch: InstanceWatch,
  ) => InstanceGroup;
  /** Called when an instance of a plugin has become ready, so long after its start began. */
  readonly onReady: (id: string, ms: number) => void;
  /** How a plugin is followed that a supervisor runs; undefined: this host runs it. Default: all. */
  readonly follow?: (settings: OutsideSettings) => FollowSettings | undefined;
  /** Called when all plugins have stopped. */
  readonly onStopped: () => Promise<void>;
}

/** A plugin inside the host's process. */
interface HandlerPlugin {
  readonly status: PluginStatus;
  readonly destination: Destination;
}

/** What `apply` did, and what is left to do. */
export interface AppliedPlugins {
  readonly changes: PluginChanges;
  /** Settles when what ran on plugins that were changed or removed has ended. */
  readonly drained: Promise<void>;
}

/** A change to one plugin for which everything is ready. */
interface PreparedChange {
  /** False where what was started for it was stopped meanwhile. */
  readonly isWanted: boolean;
  /** Makes the change at once. Resolves when what ran before has ended. */
  take(): Promise<void>;
  /** Ends what was started for it. */
  discard(): Promise<void>;
}

/** The plugins of a host by their id. */
export class PluginSet {
  readonly #options: PluginSetOptions;
  readonly #plugins = new Map<string, HostedPlugin | HandlerPlugin>();
  readonly #settings = new Map<string, PluginSettings>();
  /** Plugins that `apply` starts, before they are among the others. */
  readonly #joining = new Set<HostedPlugin>();
  /** Plugins that `apply` has taken away, until what runs on them has ended. */
  readonly #leaving = new Set<HostedPlugin>();
  /** Between `startAll` and `stopAll`. */
  #isRunning = false;
  readonly #stateListeners = new Set<(status: PluginStatus) => void>();
  #saidNotStarted = false;
  /** Between how many hosts the limits are divided. */
  #sharers = 1;

  constructor(options: PluginSetOptions) {
    this.#options = options;
  }

  /** In the order in which they were added. */
  get statuses(): readonly PluginStatus[] {
    return Array.from(this.#plugins.values(), (plugin) =>
      plugin instanceof HostedPlugin ? hostedStatus(plugin) : plugin.status,
    );
  }

  /** The exchanges that are open now, with the ids of their plugins. */
  *exchanges(): Iterable<readonly [pluginId: string, exchange: Exchange]> {
    for (const plugin of new Set([...this.#hostedPlugins, ...this.#leaving])) {
      for (const exchange of plugin.openExchanges()) {
        yield [plugin.id, exchange];
      }
    }
  }

  /** All plugins, with what is measured of them. */
  get measured(): readonly MeasuredPlugin[] {
    return Array.from(this.#plugins.values(), (plugin) =>
      plugin instanceof HostedPlugin ? plugin : unmeasured(plugin.status),
    );
  }

  /**
   * Where a request for a plugin goes now.
   *
   * @param rawHeaders of the request: name, value, name, value. Default: it is bound to no instance
   */
  destination(id: string, rawHeaders?: readonly string[]): Destination {
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
    return plugin.destination(rawHeaders);
  }

  /** Tells of a request that was answered with an error in the place of its plugin. */
  refused(id: string, error: ServeHTTPError): void {
    const plugin = this.#plugins.get(id);
    if (plugin instanceof HostedPlugin) {
      plugin.refused(error);
    }
  }

  /**
   * Tells of a request that can't be passed on to any plugin. At level debug, because strangers
   * decide how many lines there are.
   *
   * @param id of the plugin that the request names; empty where it names none
   */
  refusedAtEdge(id: string, status: number, reason: string): void {
    const plugin = this.#plugins.get(id);
    if (plugin instanceof HostedPlugin) {
      plugin.countBadRequest();
    }
    const details = { plugin: id, outcome: "bad-request", status, reason };
    this.#options.logger.debug(details, "a request was refused at the edge");
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
    this.#set(
      settings,
      settings.kind === "handler" ? handlerPlugin(settings) : this.#hosted(settings),
    );
  }

  /**
   * Makes these the plugins of the host. New ones, and new instances of those that are changed, are
   * started first; when all of them are ready, everything changes at once. Where one of them does
   * not become ready, all of them are stopped and nothing has changed. Plugins whose settings are
   * the same notice nothing.
   *
   * Until it has settled, only `stopAll` may be called, which ends it.
   *
   * @param takeOthers changes what changes together with the plugins
   * @throws ServeHTTPError `invalid-argument` for a host name that two plugins have, `host-stopping`
   *   where `stopAll` came meanwhile, else why the first of them did not start
   */
  async apply(
    next: ReadonlyMap<string, PluginSettings>,
    takeOthers: () => void,
  ): Promise<AppliedPlugins> {
    const changes = pluginChanges(this.#settings, next);
    const takeMounts = this.#options.mounts.plan([...next.values()]);
    const wasRunning = this.#isRunning;
    const started = await Promise.allSettled(
      [...next.values()]
        .filter(({ id }) => !changes.unchanged.includes(id))
        .map((settings) => this.#prepare(settings)),
    );
    const prepared = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const reasons = started.flatMap((one) =>
      one.status === "rejected" ? [ServeHTTPError.from(one.reason)] : [],
    );
    const isStopped = wasRunning && !this.#isRunning;
    if (isStopped || reasons.length > 0 || !prepared.every(({ isWanted }) => isWanted)) {
      await Promise.all(prepared.map((one) => one.discard()));
      throw isStopped ? stoppedMeanwhile() : nothingChanged(reasons);
    }
    // From here on nothing waits, so that no request meets the half of it.
    takeMounts();
    takeOthers();
    const left = [
      ...prepared.map((one) => one.take()),
      ...changes.removed.map((id) => this.#forget(id)),
    ];
    return { changes, drained: Promise.all(left).then(() => undefined) };
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

  /** Stops one plugin within `drainMs` or its own. `start` starts it again. */
  async stop(id: string, drainMs: number | undefined): Promise<void> {
    const plugin = this.#known(id);
    if (plugin instanceof HostedPlugin) {
      const reason = new ServeHTTPError("host-stopping", "the plugin was stopped");
      await plugin.stop(drainMs ?? plugin.drainMs, reason);
    }
  }

  /** Starts all plugins. Resolves when each is ready or has failed for the first time. */
  async startAll(): Promise<void> {
    this.#isRunning = true;
    await Promise.allSettled(this.#hostedPlugins.map((plugin) => plugin.start()));
  }

  /** Drains a plugin, stops it and forgets it. */
  async remove(id: string): Promise<void> {
    const plugin = this.#known(id);
    // From now on, `apply` takes it for gone.
    this.#settings.delete(id);
    if (plugin instanceof HostedPlugin) {
      await removed(plugin);
    }
    if (this.#plugins.get(id) === plugin) {
      this.#plugins.delete(id);
      this.#options.mounts.remove(id);
    }
  }

  /** Asks each instance of a plugin how it is. */
  async isServing(id: string): Promise<boolean> {
    const plugin = this.#known(id);
    return !(plugin instanceof HostedPlugin) || (await plugin.isServing());
  }

  /**
   * Looks into a plugin's process.
   *
   * @throws ServeHTTPError `invalid-argument` for a plugin that has none, otherwise as the plugin does
   */
  diagnose(id: string, what: Diagnosis, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const plugin = this.#known(id);
    if (!(plugin instanceof HostedPlugin)) {
      const message = `plugin ${id} is a handler in the host's own process`;
      throw new ServeHTTPError("invalid-argument", message);
    }
    return plugin.diagnose(what, signal);
  }

  /**
   * Replaces every instance of a plugin by a new one. Resolves when the new ones get every request,
   * with a promise for the end of the old ones.
   */
  async reload(id: string): Promise<{ readonly drained: Promise<void> }> {
    const plugin = this.#known(id);
    return plugin instanceof HostedPlugin
      ? await plugin.reload(plugin.drainMs)
      : { drained: Promise.resolve() };
  }

  /** Divides the limits of all plugins between so many hosts. */
  divideLimits(sharers: number): void {
    this.#sharers = sharers;
    for (const plugin of this.outsideWithChanging) {
      plugin.divideLimits(sharers);
    }
  }

  /** The plugins outside the host's process. */
  get outside(): readonly HostedPlugin[] {
    return this.#hostedPlugins;
  }

  /** The same, with those that `apply` starts, and those that it has taken away and that drain. */
  get outsideWithChanging(): readonly HostedPlugin[] {
    return [...this.#hostedPlugins, ...this.#joining, ...this.#leaving];
  }

  /** Stops all plugins, each within `drainMs` or its own. */
  async stopAll(drainMs: number | undefined): Promise<void> {
    this.#isRunning = false;
    const reason = new ServeHTTPError("host-stopping", "the host is stopping");
    await Promise.all(
      this.outsideWithChanging.map((plugin) => plugin.stop(drainMs ?? plugin.drainMs, reason)),
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

  #set(settings: PluginSettings, plugin: HostedPlugin | HandlerPlugin): void {
    this.#settings.set(settings.id, settings);
    this.#plugins.set(settings.id, plugin);
  }

  /** Gets everything ready for a plugin with new settings, whatever is there in its place. */
  async #prepare(settings: PluginSettings): Promise<PreparedChange> {
    const present = this.#plugins.get(settings.id);
    const isKept = this.#settings.has(settings.id);
    if (settings.kind !== "handler" && present instanceof HostedPlugin && isKept) {
      return await this.#prepareOther(settings, present);
    }
    const plugin = settings.kind === "handler" ? handlerPlugin(settings) : this.#hosted(settings);
    if (plugin instanceof HostedPlugin && this.#isRunning) {
      await this.#startJoining(plugin);
    }
    const isStopped = (): boolean => plugin instanceof HostedPlugin && !this.#mayJoin(plugin);
    return {
      get isWanted() {
        return !isStopped();
      },
      take: async () => {
        const left = present instanceof HostedPlugin ? this.#leave(present) : undefined;
        this.#set(settings, plugin);
        if (plugin instanceof HostedPlugin) {
          this.#joining.delete(plugin);
          this.#tell(plugin);
        }
        await left;
      },
      discard: async () => {
        if (plugin instanceof HostedPlugin) {
          await this.#discardJoining(plugin);
        }
      },
    };
  }

  /** The same where instances of it run by now, or may. */
  async #prepareOther(settings: OutsideSettings, plugin: HostedPlugin): Promise<PreparedChange> {
    const own = this.#hostedSettings(settings);
    const next = plugin.isRunning ? await plugin.prepare(own) : undefined;
    return {
      get isWanted() {
        return next?.isWanted ?? true;
      },
      take: async () => {
        this.#settings.set(settings.id, settings);
        if (next === undefined) {
          plugin.adopt(own);
        } else {
          await next.take(plugin.drainMs);
        }
      },
      discard: async () => await next?.discard(),
    };
  }

  async #startJoining(plugin: HostedPlugin): Promise<void> {
    this.#joining.add(plugin);
    try {
      await plugin.start();
    } catch (error) {
      await this.#discardJoining(plugin);
      throw error;
    }
  }

  #mayJoin(plugin: HostedPlugin): boolean {
    return !this.#joining.has(plugin) || plugin.isRunning;
  }

  async #discardJoining(plugin: HostedPlugin): Promise<void> {
    await plugin.remove(0, new ServeHTTPError("host-stopping", "the plugin was not added"));
    this.#joining.delete(plugin);
  }

  /** Forgets a plugin at once, and lets what runs on it end. */
  async #forget(id: string): Promise<void> {
    const plugin = this.#known(id);
    this.#plugins.delete(id);
    this.#settings.delete(id);
    if (plugin instanceof HostedPlugin) {
      await this.#leave(plugin);
    }
  }

  async #leave(plugin: HostedPlugin): Promise<void> {
    this.#leaving.add(plugin);
    await removed(plugin);
    this.#leaving.delete(plugin);
  }

  #hosted(settings: OutsideSettings): HostedPlugin {
    const hosted: HostedPlugin = new HostedPlugin(
      this.#hostedSettings(settings),
      () => this.#tell(hosted),
      this.#sharers,
    );
    return hosted;
  }

  #hostedSettings(settings: OutsideSettings): HostedPluginSettings {
    const { chunkBytes, clock, logger, makeInstances } = this.#options;
    const { balance, id, limits, timeouts } = settings;
    return {
      id,
      balance,
      chunkBytes,
      times: timeouts,
      drainMs: timeouts.drainMs,
      waitMs: timeouts.waitMs,
      ...limits,
      logger,
      clock,
      onReady: (ms) => this.#options.onReady(id, ms),
      makeInstances: (shared, watch) => makeInstances(settings, shared, watch),
      follow: this.#options.follow?.(settings),
    };
  }

  #tell(plugin: HostedPlugin): void {
    if (this.#plugins.get(plugin.id) !== plugin) {
      // It is not among them yet, or not any more.
      return;
    }
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

const noRetries = { "another-instance": 0, "same-instance": 0, none: 0 };

/** Nothing but its state is known of a handler. */
function unmeasured(status: PluginStatus): MeasuredPlugin {
  return {
    ...status,
    outcomes: [],
    stalls: 0,
    retries: noRetries,
    healthMisses: 0,
    namesInstances: false,
    ejections: [],
    pids: [],
  };
}

function removed(plugin: HostedPlugin): Promise<void> {
  const reason = new ServeHTTPError("host-stopping", "the plugin was removed");
  return plugin.remove(plugin.drainMs, reason);
}

function stoppedMeanwhile(): ServeHTTPError {
  return new ServeHTTPError("host-stopping", "nothing was changed: the host was stopped meanwhile");
}

function nothingChanged([first, ...others]: readonly ServeHTTPError[]): ServeHTTPError {
  if (first === undefined) {
    return stoppedMeanwhile();
  }
  const more = others.length === 0 ? "" : ` (and ${others.length} more did not start)`;
  return new ServeHTTPError(first.code, `nothing was changed: ${first.message}${more}`);
}
