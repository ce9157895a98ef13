import type { IncomingMessage } from "node:http";
import { ServeHTTPError } from "@servehttp/contract";
import { attachListener, type AttachOptions, byCheckContinue } from "./server/attach.js";
import { byRequest } from "./client/incoming-request.js";
import type { HostRequest, HostResponse, NodeServer } from "./client/node-types.js";
import { EdgePolicy } from "./edge/edge-policy.js";
import type { Destination } from "./exchange/destination.js";
import type { FastPathHost } from "./fast-path/install.js";
import type { Outcome } from "./exchange/failure.js";
import { HostedPlugin } from "./plugin/hosted-plugin.js";
import {
  createListener,
  createPlainListener,
  type Listener,
  type ListenerOptions,
} from "./server/listener.js";
import type { HostOptions, PluginOptions } from "./options/options.js";
import { pluginAddress } from "./plugin/plugin-address.js";
import type { InstanceState, PluginInstance } from "./plugin/plugin-instance.js";
import { PluginConnection } from "./plugin/plugin-connection.js";
import { systemClock } from "./process/clock.js";
import { HostProcesses } from "./process/host-processes.js";
import { PluginSupervisor } from "./process/plugin-supervisor.js";
import {
  type CommandSettings,
  type HandlerSettings,
  type HostSettings,
  type PluginSettings,
  readHostOptions,
  readPluginOptions,
} from "./options/read-options.js";
import { RequestIds } from "./server/request-ids.js";
import { type RouteRules, routeTarget } from "./edge/router.js";
import { withDetails } from "./process/with-details.js";
import { UrlInstance } from "./plugin/url-instance.js";

/** What `host.plugins` tells of a plugin. */
export interface PluginStatus {
  readonly id: string;
  /** `"in-process"` for a handler. */
  readonly state: InstanceState | "in-process";
  /** Its process, where the host started it; of several instances, the first that is ready. */
  readonly pid: number | undefined;
  /** When the state began. */
  readonly since: Date;
  /** Starts or connections after the first, over all its instances. */
  readonly restarts: number;
  /** Exchanges that run now. */
  readonly inFlight: number;
  /** Tunnels (WebSockets and other hijacked connections) among them. */
  readonly tunnels: number;
  /** How exchanges came out so far, by outcome; outcomes that have not been are not there. */
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** Undefined while it is not connected, and for a handler. */
  readonly carrier: "mux" | "stream" | undefined;
}

/** A host of plugins. */
export interface PluginHost extends AsyncDisposable {
  /**
   * Serves `/plugins/{id}/…` as a listener of Node's `http`, `https` and `http2` servers and as
   * Connect middleware: what is not under the prefix goes to `next`, or is answered with 404 where
   * there is none.
   */
  readonly listener: (request: HostRequest, response: HostResponse, next?: () => void) => void;
  /** The plugins, in the order in which they were added. */
  readonly plugins: readonly PluginStatus[];
  /**
   * Wires `request`, `checkContinue` and `upgrade` of a server in one call, in front of the
   * listeners that it has by now: they get what is not for a plugin. Without any, that is answered
   * with 404. Returns the server.
   *
   * With `requests: false` the server's listeners come first, for an application that calls
   * `host.listener` behind middleware of its own.
   */
  attach<S extends NodeServer>(server: S, options?: AttachOptions): S;
  /**
   * Starts all plugins. Resolves when each is ready or has failed for the first time; a failure is
   * logged, shows in `plugins`, and the plugin is tried again, so that one broken plugin does not
   * keep the others from their clients.
   */
  start(): Promise<void>;
  /** Calls back at every change of a plugin's state. Returns the function that ends it. */
  onStateChange(listener: (status: PluginStatus) => void): () => void;
  /**
   * Adds a plugin and starts it. Resolves when it is ready.
   *
   * @throws ServeHTTPError `invalid-argument` for bad options or an id that is taken; else why it
   *   did not start: it stays, and is tried
   * again.
   */
  add(id: string, plugin: PluginOptions): Promise<void>;
  /** Drains a plugin, stops it and forgets it. */
  remove(id: string): Promise<void>;
  /** Replaces every instance of a plugin by a new one without dropping a request. */
  reload(id: string): Promise<void>;
  /**
   * Stops all plugins: nothing new is sent to them, what runs may end within `drainMs` (default:
   * each plugin's own), the rest is broken.
   */
  stop(options?: { readonly drainMs?: number }): Promise<void>;
}

/**
 * Creates a host of plugins. Nothing runs before `start`.
 *
 * ```ts
 * const host = createPluginHost({ plugins: { notes: { command: ["node", "notes.js"] } } });
 * await host.start();
 * host.attach(createServer()).listen(8080);
 * ```
 *
 * @throws ServeHTTPError `invalid-argument`, one line: the option, what was given, what is allowed
 */
export function createPluginHost(options: HostOptions): PluginHost {
  return new Host(readHostOptions(options));
}

class Host implements PluginHost {
  readonly listener: PluginHost["listener"];
  readonly #settings: HostSettings;
  readonly #serve: Listener;
  readonly #admitPlain: FastPathHost["admitPlain"];
  readonly #edge: EdgePolicy;
  readonly #rules: RouteRules;
  readonly #plugins = new Map<string, HostedPlugin | HandlerPlugin>();
  readonly #processes: HostProcesses;
  /** Requests on their way to `listener` whose clients wait for a 100 (Continue). */
  readonly #awaitingContinue = new WeakSet<HostRequest>();
  readonly #stateListeners = new Set<(status: PluginStatus) => void>();

  constructor(settings: HostSettings) {
    this.#settings = settings;
    this.#processes = new HostProcesses(settings.logger);
    const edge = new EdgePolicy(settings.edge);
    this.#edge = edge;
    this.#rules = { prefix: settings.prefix, secretParameters: edge.secretParameters };
    const listenerOptions: ListenerOptions = {
      rules: this.#rules,
      edge,
      enabled: settings.enabled,
      destination: (id) => this.#plugins.get(id)?.destination() ?? notFound,
      identity: settings.identity,
      context: settings.context,
      requestIds: new RequestIds(),
      onHostFault: ({ message, ...details }) => settings.logger.error(details, message),
    };
    this.#serve = createListener(listenerOptions);
    this.#admitPlain = createPlainListener(listenerOptions);
    this.listener = (request, response, next) => {
      const entry = this.#awaitingContinue.has(request) ? byCheckContinue : byRequest;
      this.#serve(request, response, next, entry);
    };
    if (settings.enabled) {
      for (const plugin of settings.plugins.values()) {
        this.#plugins.set(plugin.id, this.#host(plugin));
      }
    }
  }

  get plugins(): readonly PluginStatus[] {
    return Array.from(this.#plugins.values(), statusOf);
  }

  attach<S extends NodeServer>(server: S, options?: AttachOptions): S {
    const attachable = {
      serve: this.#serve,
      mayUpgrade: (request: IncomingMessage) => this.#mayUpgrade(request),
      isRouted: (request: HostRequest) => this.#isRouted(request),
      awaitsContinue: (request: HostRequest) => void this.#awaitingContinue.add(request),
      admitPlain: this.#admitPlain,
      onFastPathError: (err: unknown) =>
        this.#settings.logger.error({ err }, "a connection was closed over a defect"),
    };
    attachListener(server, attachable, options);
    return server;
  }

  async start(): Promise<void> {
    await Promise.allSettled(Array.from(this.#plugins.values(), (plugin) => plugin.start()));
  }

  onStateChange(listener: (status: PluginStatus) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  async add(id: string, plugin: PluginOptions): Promise<void> {
    const settings = readPluginOptions(id, plugin, this.#settings);
    if (!this.#settings.enabled) {
      throw new ServeHTTPError("invalid-argument", "plugins are switched off: enabled is false");
    }
    if (this.#plugins.has(id)) {
      throw new ServeHTTPError(
        "invalid-argument",
        `there is a plugin ${JSON.stringify(id)} already`,
      );
    }
    const hosted = this.#host(settings);
    this.#plugins.set(id, hosted);
    await hosted.start();
  }

  async remove(id: string): Promise<void> {
    const plugin = this.#known(id);
    await plugin.stop(
      plugin.drainMs,
      new ServeHTTPError("host-stopping", "the plugin was removed"),
    );
    this.#plugins.delete(id);
  }

  async reload(id: string): Promise<void> {
    const plugin = this.#known(id);
    await plugin.reload(plugin.drainMs);
  }

  async stop(options: { readonly drainMs?: number } = {}): Promise<void> {
    const reason = new ServeHTTPError("host-stopping", "the host is stopping");
    await Promise.all(
      Array.from(this.#plugins.values(), (plugin) =>
        plugin.stop(options.drainMs ?? plugin.drainMs, reason),
      ),
    );
    await this.#processes.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #mayUpgrade(request: IncomingMessage): boolean {
    return this.#isRouted(request) && this.#edge.mayUpgrade(request.headers.upgrade ?? "");
  }

  #isRouted(request: HostRequest): boolean {
    const target = request.url ?? "";
    return routeTarget(target, target, this.#rules)?.kind === "route";
  }

  #known(id: string): HostedPlugin | HandlerPlugin {
    const plugin = this.#plugins.get(id);
    if (plugin === undefined) {
      throw new ServeHTTPError("invalid-argument", `there is no plugin ${JSON.stringify(id)}`);
    }
    return plugin;
  }

  #host(settings: PluginSettings): HostedPlugin | HandlerPlugin {
    if (settings.kind === "handler") {
      return new HandlerPlugin(settings);
    }
    const { logger } = this.#settings;
    const hosted: HostedPlugin = new HostedPlugin(
      {
        id: settings.id,
        chunkBytes: this.#settings.chunkBytes,
        times: settings.timeouts,
        drainMs: settings.timeouts.drainMs,
        maxInFlight: settings.limits.maxInFlight,
        maxTunnels: settings.limits.maxTunnels,
        logger,
        clock: systemClock,
        makeInstances: (onChange) => this.#makeInstances(settings, onChange),
      },
      () => this.#tell(hosted),
    );
    return hosted;
  }

  #makeInstances(
    settings: Exclude<PluginSettings, HandlerSettings>,
    onChange: () => void,
  ): readonly PluginInstance[] {
    const { logger } = this.#settings;
    if (settings.kind === "command") {
      return Array.from({ length: settings.instances }, () => this.#supervise(settings, onChange));
    }
    const { id: pluginId, carrier, timeouts, tls, token } = settings;
    return settings.url.map(
      (url) =>
        new UrlInstance({
          connection: { pluginId, address: pluginAddress(url, tls), token, carrier },
          startMs: timeouts.startMs,
          logger,
          onChange,
        }),
    );
  }

  #supervise(settings: CommandSettings, onChange: () => void): PluginInstance {
    const { id: pluginId, carrier, command, cwd, env, timeouts } = settings;
    return new PluginSupervisor<PluginConnection>({
      pluginId,
      command,
      cwd,
      env,
      startMs: timeouts.startMs,
      processes: this.#processes,
      logger: withDetails(this.#settings.logger, { plugin: pluginId }),
      connect: ({ socketPath, token }, signal) => {
        const address = { kind: "unix", path: socketPath } as const;
        return PluginConnection.connect({ pluginId, address, token, carrier }, signal);
      },
      onChange,
    });
  }

  #tell(plugin: HostedPlugin): void {
    for (const listener of this.#stateListeners) {
      try {
        listener(statusOf(plugin));
      } catch (err) {
        // A plugin's supervision does not depend on who watches it.
        this.#settings.logger.error(
          { err, plugin: plugin.id },
          "a listener of state changes threw",
        );
      }
    }
  }
}

const notFound: Destination = { kind: "not-found" };

/** A plugin inside the host's process. */
class HandlerPlugin {
  readonly id: string;
  readonly drainMs = 0;
  readonly since = new Date();
  readonly #destination: Destination;

  constructor(settings: HandlerSettings) {
    this.id = settings.id;
    this.#destination = { kind: "handler", handler: settings.handler };
  }

  destination(): Destination {
    return this.#destination;
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  async reload(): Promise<void> {}
}

function statusOf(plugin: HostedPlugin | HandlerPlugin): PluginStatus {
  if (plugin instanceof HandlerPlugin) {
    return {
      id: plugin.id,
      state: "in-process",
      pid: undefined,
      since: plugin.since,
      restarts: 0,
      inFlight: 0,
      tunnels: 0,
      outcomes: {},
      carrier: undefined,
    };
  }
  return {
    id: plugin.id,
    state: plugin.state,
    pid: plugin.pid,
    since: new Date(plugin.sinceUnixMs),
    restarts: plugin.restarts,
    inFlight: plugin.inFlight,
    tunnels: plugin.tunnels,
    outcomes: Object.fromEntries(plugin.outcomes),
    carrier: plugin.carrier,
  };
}
