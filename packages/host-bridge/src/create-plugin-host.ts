import type { IncomingMessage } from "node:http";
import { ServeHTTPError } from "@servehttp/contract";
import { createCallListener } from "./calls/call-listener.js";
import { CallServer } from "./calls/call-server.js";
import { Callers } from "./calls/callers.js";
import { byRequest } from "./client/incoming-request.js";
import type { HostRequest, HostResponse, NodeServer } from "./client/node-types.js";
import { EdgePolicy } from "./edge/edge-policy.js";
import type { FastPathHost } from "./fast-path/install.js";
import type { HostOptions, PluginOptions } from "./options/options.js";
import { type HostSettings, readHostOptions, readPluginOptions } from "./options/read-options.js";
import { makeInstances, type OpenCalls } from "./plugin/make-instances.js";
import { PluginSet } from "./plugin/plugin-set.js";
import type { PluginStatus } from "./plugin/plugin-status.js";
import { systemClock } from "./process/clock.js";
import { HostProcesses } from "./process/host-processes.js";
import { initAdvice } from "./process/init-advice.js";
import { Mounts } from "./routing/mounts.js";
import type { RouteRules } from "./routing/route.js";
import { routeTarget } from "./routing/router.js";
import { attachListener, type AttachOptions, byCheckContinue } from "./server/attach.js";
import {
  createListener,
  createPlainListener,
  type Listener,
  type ListenerOptions,
} from "./server/listener.js";
import { RequestIds } from "./server/request-ids.js";

/** A host of plugins. */
export interface PluginHost extends AsyncDisposable {
  /**
   * Serves `/plugins/{id}/…`, and the host names of plugins, as a listener of Node's `http`, `https`
   * and `http2` servers and as Connect middleware: everything else goes to `next`, or is answered
   * with 404 where there is none.
   */
  readonly listener: (request: HostRequest, response: HostResponse, next?: () => void) => void;
  /** The plugins, in the order in which they were added. */
  readonly plugins: readonly PluginStatus[];
  /**
   * Wires `request`, `checkContinue` and `upgrade` of a server in one call. The listeners that the
   * server has by now get what is not for a plugin; where it has none, that is answered with 404.
   * Returns the server.
   *
   * With `requests: false` the server's listeners come first, for an application that calls
   * `host.listener` behind middleware of its own.
   */
  attach<S extends NodeServer>(server: S, options?: AttachOptions): S;
  /**
   * Starts all plugins. Resolves when each is ready or has failed for the first time. A failure is
   * logged and shows in `plugins`, and the plugin is started again: one broken plugin does not keep
   * the others from their clients.
   */
  start(): Promise<void>;
  /**
   * Calls back at every change of a plugin's state. Returns the function that ends it. What the
   * listener throws, or a promise of its own rejects with, is logged.
   */
  onStateChange(listener: (status: PluginStatus) => void): () => void;
  /**
   * Adds a plugin and starts it. Resolves when it is ready.
   *
   * @throws ServeHTTPError `invalid-argument` for bad options, or an id or a host name that is
   *   taken: then nothing was added. Otherwise why
   *   it did not start: it stays, and is started again.
   */
  add(id: string, plugin: PluginOptions): Promise<void>;
  /** Drains a plugin, stops it and forgets it. */
  remove(id: string): Promise<void>;
  /** Replaces every instance of a plugin by a new one without dropping a request. */
  reload(id: string): Promise<void>;
  /**
   * Stops all plugins: they get nothing new, what runs may end within `drainMs` (default: each
   * plugin's own), and the rest is broken. `start` may be called again at any time.
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
  readonly #plugins: PluginSet;
  /** Requests on their way to `listener` whose clients wait for a 100 (Continue). */
  readonly #awaitingContinue = new WeakSet<HostRequest>();

  constructor(settings: HostSettings) {
    this.#settings = settings;
    const { chunkBytes, logger } = settings;
    const processes = new HostProcesses(logger);
    const mounts = new Mounts(settings.prefix, settings.publicPath);
    this.#plugins = new PluginSet({
      mounts,
      chunkBytes,
      logger,
      clock: systemClock,
      makeInstances: (plugin, shared, watch) =>
        makeInstances(plugin, shared, watch, { processes, openCalls, logger }),
      onStopped: () => processes.close(),
    });
    const callers = new Callers();
    const edge = new EdgePolicy(settings.edge);
    this.#edge = edge;
    this.#rules = { mounts, secretParameters: edge.secretParameters };
    const listenerOptions: ListenerOptions = {
      rules: this.#rules,
      edge,
      enabled: settings.enabled,
      destination: (id) => this.#plugins.destination(id),
      identity: settings.identity,
      context: settings.context,
      requestIds: new RequestIds(),
      onHostFault: ({ message, ...details }) => logger.error(details, message),
      callingExchanges: callers,
      onRefused: (id, error) => this.#plugins.refused(id, error),
      // At this level, because strangers decide how many lines there are.
      onBadRequest: (plugin, { status, reason }) =>
        logger.debug({ plugin, status, reason }, "a request was refused at the edge"),
    };
    const identityHeadersNamed = (settings.edge.identityHeaders?.length ?? 0) > 0;
    const calls = new CallServer(
      callers,
      createCallListener({ ...listenerOptions, callers, identityHeadersNamed, logger }),
    );
    const openCalls: OpenCalls = (...args) => calls.open(...args);
    this.#serve = createListener(listenerOptions);
    this.#admitPlain = createPlainListener(listenerOptions);
    this.listener = (request, response, next) => {
      const entry = this.#awaitingContinue.has(request) ? byCheckContinue : byRequest;
      this.#serve(request, response, next, entry);
    };
    for (const plugin of settings.plugins.values()) {
      if (settings.enabled) {
        this.#plugins.add(plugin);
      } else {
        mounts.add(plugin);
      }
    }
  }

  get plugins(): readonly PluginStatus[] {
    return this.#plugins.statuses;
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
    const advice = initAdvice(process.pid);
    if (advice !== undefined) {
      this.#settings.logger.warn({}, advice);
    }
    await this.#plugins.startAll();
  }

  onStateChange(listener: (status: PluginStatus) => void): () => void {
    return this.#plugins.onStateChange(listener);
  }

  async add(id: string, plugin: PluginOptions): Promise<void> {
    const settings = readPluginOptions(id, plugin, this.#settings);
    if (!this.#settings.enabled) {
      throw new ServeHTTPError("invalid-argument", "plugins are switched off: enabled is false");
    }
    this.#plugins.add(settings);
    await this.#plugins.start(id);
  }

  async remove(id: string): Promise<void> {
    await this.#plugins.remove(id);
  }

  async reload(id: string): Promise<void> {
    await this.#plugins.reload(id);
  }

  async stop(options: { readonly drainMs?: number } = {}): Promise<void> {
    await this.#plugins.stopAll(options.drainMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #mayUpgrade(request: IncomingMessage): boolean {
    return this.#edge.mayUpgrade(request.headers.upgrade ?? "");
  }

  #isRouted(request: HostRequest): boolean {
    const { url = "", originalUrl = url } = request;
    return routeTarget(url, originalUrl, this.#rules, request.rawHeaders)?.kind === "route";
  }
}
