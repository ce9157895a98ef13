import type { IncomingMessage } from "node:http";
import { ServeHTTPError } from "@servehttp/contract";
import { AccessLog } from "./access-log/access-log.js";
import { createCallListener } from "./calls/call-listener.js";
import { CallServer } from "./calls/call-server.js";
import { Callers } from "./calls/callers.js";
import { byRequest } from "./client/incoming-request.js";
import type { HostRequest, HostResponse, NodeServer } from "./client/node-types.js";
import { DevelopmentPages } from "./development/development-pages.js";
import { EdgePolicy } from "./edge/edge-policy.js";
import { type OpenExchange, openExchange } from "./exchange/open-exchange.js";
import type { FastPathHost } from "./fast-path/install.js";
import type { RequestObserver } from "./observation/request-observer.js";
import { RequestObservers } from "./observation/request-observers.js";
import type { LogLevel, LogRecord } from "./options/log-records.js";
import type { HostOptions, PluginOptions } from "./options/options.js";
import { type HostSettings, readHostOptions, readPluginOptions } from "./options/read-options.js";
import { readChangedOptions } from "./options/read-changed-options.js";
import { makeInstances, type OfferProcess, type OpenCalls } from "./plugin/make-instances.js";
import type { PluginChanges } from "./plugin/plugin-changes.js";
import { PluginSet } from "./plugin/plugin-set.js";
import type { PluginStatus } from "./plugin/plugin-status.js";
import { systemClock } from "./process/clock.js";
import { HostProcesses } from "./process/host-processes.js";
import { initAdvice } from "./process/init-advice.js";
import { HostMetrics } from "./metrics/host-metrics.js";
import { Mounts } from "./routing/mounts.js";
import type { RouteRules } from "./routing/route.js";
import { routeTarget } from "./routing/router.js";
import { attachListener, type AttachOptions, byCheckContinue } from "./server/attach.js";
import { openTracer } from "./tracing/open-tracer.js";
import {
  createListener,
  createPlainListener,
  type Listener,
  type ListenerOptions,
} from "./server/listener.js";
import { RequestIds } from "./server/request-ids.js";
import { FollowedSupervisor } from "./workers/followed-supervisor.js";
import type { ProcessChannel } from "./workers/process-channel.js";
import { SharedPlugins } from "./workers/shared-plugins.js";

/** When `reload` and `apply` resolve. */
export interface ReloadOptions {
  /**
   * `"ready"`: when the new processes get every request. `"drained"`: when what ran on the old ones
   * has ended as well. Default: `"drained"`.
   */
  readonly until?: "ready" | "drained";
}

/** How a snapshot or a profile is taken. */
export interface DiagnosticsOptions {
  /** Gives it up. Default: nothing does. */
  readonly signal?: AbortSignal;
}

/** What `stop` stops, and how fast. */
export interface StopOptions {
  /** How long what runs may take, in milliseconds. Default: each plugin's own. */
  readonly drainMs?: number;
  /** The id of a plugin. Default: all of them. */
  readonly plugin?: string;
}

/** A host of plugins. */
export interface PluginHost extends AsyncDisposable {
  /**
   * Serves `/plugins/{id}/…`, and the host names of plugins, as a listener of Node's `http`, `https`
   * and `http2` servers and as Connect middleware: everything else goes to `next`, or is answered
   * with 404 where there is none.
   */
  readonly listener: (request: HostRequest, response: HostResponse, next?: () => void) => void;
  /**
   * The plugins, in the order in which they were added. Where workers share them, the figures are
   * those of all hosts together, up to 250 ms old; at a worker they are its own.
   */
  readonly plugins: readonly PluginStatus[];
  /**
   * The exchanges with plugins that are open now, in no particular order. Those of handlers in the
   * host's own process, and requests that wait for a plugin to become ready, are not among them.
   * They are looked up when somebody asks; requests pay nothing for it.
   */
  readonly exchanges: readonly OpenExchange[];
  /**
   * Breaks an exchange off: the client is answered 503 where no head has gone out, and its transfer
   * is broken otherwise; the plugin's signal aborts with `host-stopping`. Returns false where no
   * exchange of this id is open.
   */
  breakExchange(id: string): boolean;
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
   *
   * With an id, starts that plugin alone, and rejects with the reason where it does not start.
   */
  start(id?: string): Promise<void>;
  /**
   * Asks a plugin's health service (`grpc.health.v1`) whether it takes requests, on each of its
   * instances. A plugin without one is taken to. False where one says no, gives no answer within
   * 2 s, or is not ready. True for a handler.
   *
   * @throws ServeHTTPError `invalid-argument` where there is no such plugin
   */
  isServing(id: string): Promise<boolean>;
  /**
   * Takes a snapshot of what is in the memory of a plugin's process: the chunks of a file for Chrome
   * DevTools (`.heapsnapshot`). The process stands still meanwhile. The Node SDK offers it to hosts
   * that have started the plugin; of several instances, the one in `host.plugins` is asked. Nothing
   * happens before the first chunk is asked for.
   *
   * @throws ServeHTTPError `invalid-argument` where there is no such plugin, or it offers or allows
   *   no such thing; `unavailable` where it is not connected; `overload` where it does this already
   */
  heapSnapshot(id: string, options?: DiagnosticsOptions): AsyncIterable<Uint8Array>;
  /**
   * Finds out where a plugin's process spends its time from now on: the chunks of a file for Chrome
   * DevTools (`.cpuprofile`), of which the first comes after `durationMs`.
   *
   * @param durationMs 1 to 300,000
   * @throws ServeHTTPError as `heapSnapshot` does
   */
  cpuProfile(
    id: string,
    durationMs: number,
    options?: DiagnosticsOptions,
  ): AsyncIterable<Uint8Array>;
  /**
   * Calls back at every change of a plugin's state. Returns the function that ends it. What the
   * listener throws, or a promise of its own rejects with, is logged.
   */
  onStateChange(listener: (status: PluginStatus) => void): () => void;
  /**
   * Lets an observer watch all requests for plugins that begin from now on, whatever becomes of them.
   * Returns the function that ends it. A host that nobody watches spends nothing on it.
   */
  observe(observer: RequestObserver): () => void;
  /**
   * Calls back for each record of the host's log that its logger takes by its level, what plugins
   * print among them. Returns the function that ends it. What the listener throws is lost, because
   * a record about it would come to the listener again.
   */
  onLogRecord(listener: (record: LogRecord) => void): () => void;
  /** The least that is logged, by the `level` of the host's logger; undefined where it has none. */
  readonly logLevel: string | undefined;
  /**
   * Sets the `level` of the host's logger, which others may use as well. Returns false where it has
   * none that can be set.
   */
  setLogLevel(level: LogLevel): boolean;
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
  /**
   * Brings the host to new options without dropping a request: all of them, as for
   * `createPluginHost`. Plugins that are new are started; those whose options are other ones get new
   * processes, which are ready before the old ones drain; those that the options don't have are
   * drained and removed, `host.add` or not; all others notice nothing. It is all or nothing:
   * everything changes at once when all that was started is ready, and nothing where something did
   * not start. Before `start` and after `stop`, nothing is started.
   *
   * `plugins`, `limits`, `timeouts`, `identity` and `context` may be other ones. `prefix`,
   * `publicPath`, `enabled`, `edge`, `accessLog`, `tracerProvider`, `development`, `chunkBytes` and
   * `logger` can't change while a host runs.
   *
   * Resolves with the plugins' ids when what ran on plugins that were changed or removed has ended,
   * within their `drainMs`, or, with `until: "ready"`, when everything has changed. Calls happen one
   * after the other.
   *
   * @throws ServeHTTPError `invalid-argument` for what `createPluginHost` refuses, and for an option
   *   that can't change, by its name; `host-stopping` where the host is stopped meanwhile; else why a
   *   plugin did not start. In each case nothing was changed.
   */
  apply(options: HostOptions, how?: ReloadOptions): Promise<PluginChanges>;
  /**
   * Replaces every instance of a plugin by a new one without dropping a request. Resolves when what
   * ran on the old ones has ended, or, with `until: "ready"`, when the new ones get every request.
   * Where a new one does not become ready, the old ones stay, and it rejects with the reason.
   */
  reload(id: string, options?: ReloadOptions): Promise<void>;
  /**
   * Lets a host in another process use the plugins of this one, a worker: it connects to their
   * processes itself, and this host starts, watches, replaces and ends them for all. What runs in a
   * worker may end as it may here when a plugin is reloaded or stopped. A worker that ends takes with
   * it what ran in it, and nothing else. `limits` are divided between the workers: each has its share,
   * rounded up.
   *
   * Ends by itself when the process is gone. Returns what ends it before.
   *
   * ```ts
   * if (cluster.isPrimary) {
   *   const host = createPluginHost(options);
   *   await host.start();
   *   cluster.on("fork", (worker) => host.share(worker));
   *   cluster.fork();
   *   cluster.fork();
   * } else {
   *   const host = createWorkerHost(options, process);
   *   await host.start();
   *   host.attach(createServer()).listen(8080);
   * }
   * ```
   *
   * @param worker what `fork` has returned; `createWorkerHost` is called there
   * @throws ServeHTTPError `invalid-argument` at a worker, which has no processes to share
   */
  share(worker: ProcessChannel): () => void;
  /**
   * Stops all plugins: they get nothing new, what runs may end within `drainMs` (default: each
   * plugin's own), and the rest is broken. `start` may be called again at any time.
   *
   * With `plugin`, stops the one of that id alone, which is answered 503 until `start`.
   */
  stop(options?: StopOptions): Promise<void>;
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
  return new Host(readHostOptions(options), options.logger, undefined);
}

/**
 * Creates a host in a process of its own that uses the plugins of another: of the one that has called
 * `share` for this process. Its options are as those of the other host, with the same plugins. What
 * has a `command` there is not started here: this host connects to the processes that the other one
 * has, and follows it when they are started, replaced or stopped. What has a `url` or a `handler` is
 * this host's own, and follows as well.
 *
 * `start` resolves when the other host's plugins are connected, or have failed. `reload` of a plugin
 * with a `command` belongs to the other host. `stop` stops nothing but this host. When the other
 * process is gone, this host drains: its process should end then, and be started anew.
 *
 * @param supervisor `process`, where it was forked by that of the other host
 * @throws ServeHTTPError `invalid-argument`, as `createPluginHost`, and where the process was forked
 *   by nobody
 */
export function createWorkerHost(options: HostOptions, supervisor: ProcessChannel): PluginHost {
  const settings = readHostOptions(options);
  if (supervisor?.send === undefined) {
    throw new ServeHTTPError(
      "invalid-argument",
      "the process has no supervisor: fork it by node:child_process or node:cluster, and call host.share there",
    );
  }
  return new Host(settings, options.logger, supervisor);
}

class Host implements PluginHost {
  readonly listener: PluginHost["listener"];
  #settings: HostSettings;
  /** As it was given. */
  readonly #givenLogger: HostOptions["logger"];
  readonly #serve: Listener;
  readonly #admitPlain: FastPathHost["admitPlain"];
  readonly #edge: EdgePolicy;
  readonly #rules: RouteRules;
  readonly #plugins: PluginSet;
  readonly #observers: RequestObservers;
  readonly #accessLog: AccessLog | undefined;
  readonly #metrics: HostMetrics;
  /** Requests on their way to `listener` whose clients wait for a 100 (Continue). */
  readonly #awaitingContinue = new WeakSet<HostRequest>();
  /** Gives the listeners other functions of the application's. */
  readonly #useFunctions: (functions: Pick<HostSettings, "identity" | "context">) => void;
  readonly #mounts: Mounts;
  readonly #pages: DevelopmentPages | undefined;
  readonly #shared: SharedPlugins;
  /** There in a worker. */
  readonly #supervisor: FollowedSupervisor | undefined;
  /** There while `apply` gets ready; settles when it has changed all or nothing. */
  #applying: Promise<unknown> | undefined;
  #tracing: Promise<void> | undefined;
  #stops = 0;

  constructor(
    settings: HostSettings,
    givenLogger: HostOptions["logger"],
    supervisor: ProcessChannel | undefined,
  ) {
    this.#settings = settings;
    this.#givenLogger = givenLogger;
    const { chunkBytes, logger } = settings;
    const processes = new HostProcesses(logger);
    const callers = new Callers();
    const sharing = new SharedPlugins({ plugins: () => this.#plugins, clock: systemClock, logger });
    this.#shared = sharing;
    const offer: OfferProcess = (facts, signal) => sharing.offer(facts, signal);
    const mounts = new Mounts(settings.prefix, settings.publicPath);
    this.#mounts = mounts;
    this.#plugins = new PluginSet({
      mounts,
      chunkBytes,
      logger,
      clock: systemClock,
      makeInstances: (plugin, shared, watch) =>
        makeInstances(plugin, shared, watch, { offer, processes, openCalls, logger }),
      onReady: (id, ms) => this.#metrics.started(id, ms),
      follow: (plugin) => this.#supervisor?.follow(plugin),
      onStopped: () => processes.close(),
    });
    this.#observers = new RequestObservers((details, message) => logger.error(details, message));
    const edge = new EdgePolicy(settings.edge);
    this.#edge = edge;
    this.#metrics = new HostMetrics(settings.meterProvider, {
      observe: (observer) => void this.#observers.add(observer),
      plugins: () => this.#plugins.measured,
      instances: ({ id, instances }) => sharing.totalInstances(id, instances),
    });
    this.#accessLog = this.#openAccessLog(settings, edge);
    this.#rules = { mounts, secretParameters: edge.secretParameters };
    const { development } = settings;
    const pages =
      development.failurePages || development.liveReload
        ? new DevelopmentPages(development)
        : undefined;
    this.#pages = pages;
    if (pages !== undefined) {
      this.#plugins.onStateChange((status) => pages.observe(status));
    }
    const listenerOptions: ListenerOptions = {
      rules: this.#rules,
      edge,
      enabled: settings.enabled,
      destination: (id, rawHeaders) => this.#plugins.destination(id, rawHeaders),
      identity: settings.identity,
      context: settings.context,
      requestIds: new RequestIds(),
      onHostFault: ({ message, ...details }) => logger.error(details, message),
      callingExchanges: callers,
      pages,
      onRefused: (id, error) => this.#plugins.refused(id, error),
      onBadRequest: (id, { status, reason }) => this.#plugins.refusedAtEdge(id, status, reason),
      observers: this.#observers,
    };
    const identityHeadersNamed = (settings.edge.identityHeaders?.length ?? 0) > 0;
    const callOptions = {
      ...listenerOptions,
      pages: undefined,
      callers,
      identityHeadersNamed,
      logger,
      findElsewhere: (id: string, exchange: string) => sharing.findExchange(id, exchange),
    };
    const calls = new CallServer(callers, createCallListener(callOptions));
    this.#useFunctions = ({ identity, context }) => {
      Object.assign(listenerOptions, { identity, context });
      Object.assign(callOptions, { identity, context });
    };
    const openCalls: OpenCalls = (...args) => calls.open(...args);
    this.#serve = createListener(listenerOptions);
    this.#admitPlain = createPlainListener(listenerOptions);
    this.listener = (request, response, next) => {
      const entry = this.#awaitingContinue.has(request) ? byCheckContinue : byRequest;
      this.#serve(request, response, next, entry);
    };
    this.#plugins.onStateChange(({ id }) => sharing.changed(id));
    this.#supervisor =
      supervisor &&
      new FollowedSupervisor(supervisor, {
        logger,
        callers,
        plugins: this.#plugins,
        stop: () => void this.stop(),
      });
    for (const plugin of settings.plugins.values()) {
      if (settings.enabled) {
        this.#plugins.add(plugin);
      } else {
        mounts.add(plugin);
      }
    }
  }

  get plugins(): readonly PluginStatus[] {
    return this.#plugins.statuses.map((status) => this.#shared.total(status));
  }

  get exchanges(): readonly OpenExchange[] {
    const open: OpenExchange[] = [];
    for (const [pluginId, { init, progress }] of this.#plugins.exchanges()) {
      if (progress !== undefined) {
        open.push(openExchange(init, pluginId, progress));
      }
    }
    return open;
  }

  breakExchange(id: string): boolean {
    for (const [, exchange] of this.#plugins.exchanges()) {
      if (exchange.init.requestId === id) {
        exchange.stop(new ServeHTTPError("host-stopping", "an operator broke the exchange off"));
        return true;
      }
    }
    return false;
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

  async start(id?: string): Promise<void> {
    this.#metrics.begin();
    this.#tracing ??= this.#startTracing();
    // Plugins begin to start at once, so that a `stop` right behind this finds them starting.
    await Promise.all([this.#tracing, this.#startPlugins(id)]);
  }

  async isServing(id: string): Promise<boolean> {
    return await this.#plugins.isServing(id);
  }

  async *heapSnapshot(id: string, options?: DiagnosticsOptions): AsyncIterable<Uint8Array> {
    yield* this.#plugins.diagnose(id, { kind: "heap-snapshot" }, options?.signal ?? neverAborted());
  }

  async *cpuProfile(
    id: string,
    durationMs: number,
    options?: DiagnosticsOptions,
  ): AsyncIterable<Uint8Array> {
    const what = { kind: "cpu-profile", durationMs } as const;
    yield* this.#plugins.diagnose(id, what, options?.signal ?? neverAborted());
  }

  onStateChange(listener: (status: PluginStatus) => void): () => void {
    return this.#plugins.onStateChange((status) => listener(this.#shared.total(status)));
  }

  observe(observer: RequestObserver): () => void {
    return this.#observers.add(observer);
  }

  onLogRecord(listener: (record: LogRecord) => void): () => void {
    return this.#settings.logger.follow(listener);
  }

  get logLevel(): string | undefined {
    return this.#settings.logger.level;
  }

  setLogLevel(level: LogLevel): boolean {
    return this.#settings.logger.setLevel(level);
  }

  async add(id: string, plugin: PluginOptions): Promise<void> {
    if (this.#applying !== undefined && !(await this.#hasApplied())) {
      throw new ServeHTTPError(
        "host-stopping",
        "nothing was added: the host was stopped meanwhile",
      );
    }
    const settings = readPluginOptions(id, plugin, this.#settings);
    if (!this.#settings.enabled) {
      throw new ServeHTTPError("invalid-argument", "plugins are switched off: enabled is false");
    }
    this.#plugins.add(settings);
    await this.#plugins.start(id);
  }

  async remove(id: string): Promise<void> {
    if (this.#applying !== undefined) {
      await this.#hasApplied();
    }
    await this.#plugins.remove(id);
  }

  async reload(id: string, { until }: ReloadOptions = {}): Promise<void> {
    const { drained } = await this.#plugins.reload(id);
    await settled(drained, until);
  }

  async apply(options: HostOptions, { until }: ReloadOptions = {}): Promise<PluginChanges> {
    const applied = this.#applyBehind(this.#applying, options);
    const over = applied.then(
      () => undefined,
      () => undefined,
    );
    this.#applying = over;
    void over.then(() => {
      if (this.#applying === over) {
        this.#applying = undefined;
      }
    });
    const { changes, drained } = await applied;
    await settled(drained, until);
    return changes;
  }

  async #applyBehind(before: Promise<unknown> | undefined, options: HostOptions) {
    if (before !== undefined) {
      await before;
    }
    const settings = readChangedOptions(this.#settings, this.#givenLogger, options);
    return await this.#plugins.apply(settings.enabled ? settings.plugins : new Map(), () => {
      if (!settings.enabled) {
        this.#mounts.plan([...settings.plugins.values()])();
      }
      this.#settings = settings;
      this.#useFunctions(settings);
    });
  }

  share(worker: ProcessChannel): () => void {
    if (this.#supervisor !== undefined) {
      throw new ServeHTTPError(
        "invalid-argument",
        "a worker has no plugins to share: call share of the supervisor's host",
      );
    }
    return this.#shared.share(worker);
  }

  async stop({ drainMs, plugin }: StopOptions = {}): Promise<void> {
    if (plugin !== undefined) {
      await this.#plugins.stop(plugin, drainMs);
      return;
    }
    this.#stops += 1;
    this.#pages?.close();
    await this.#plugins.stopAll(drainMs);
    this.#accessLog?.close();
    this.#metrics.end();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #openAccessLog(
    { accessLog, logger }: HostSettings,
    { secretParameters }: EdgePolicy,
  ): AccessLog | undefined {
    if (accessLog === undefined) {
      return undefined;
    }
    const log = new AccessLog(accessLog, { logger, secretParameters });
    this.#observers.add(log);
    return log;
  }

  async #startPlugins(id: string | undefined): Promise<void> {
    if (id !== undefined) {
      await this.#plugins.start(id);
      return;
    }
    const advice = initAdvice(process.pid);
    if (advice !== undefined) {
      this.#settings.logger.warn({}, advice);
    }
    if (this.#applying === undefined || (await this.#hasApplied())) {
      await this.#plugins.startAll();
    }
  }

  async #startTracing(): Promise<void> {
    const tracer = await openTracer(this.#settings.tracerProvider);
    if (tracer !== undefined) {
      this.#observers.trace(tracer);
    }
  }

  /** Waits for its turn behind `apply`. Resolves with false where the host is stopped meanwhile. */
  async #hasApplied(): Promise<boolean> {
    const stops = this.#stops;
    while (this.#applying !== undefined) {
      await this.#applying;
    }
    return stops === this.#stops;
  }

  #mayUpgrade(request: IncomingMessage): boolean {
    return this.#edge.mayUpgrade(request.headers.upgrade ?? "");
  }

  #isRouted(request: HostRequest): boolean {
    const { url = "", originalUrl = url } = request;
    return routeTarget(url, originalUrl, this.#rules, request.rawHeaders)?.kind === "route";
  }
}

/** A signal of one call's own: listeners would gather on one for all. */
function neverAborted(): AbortSignal {
  return new AbortController().signal;
}

/** Waits for the end of what is replaced, if that is wanted. */
async function settled(drained: Promise<void>, until: ReloadOptions["until"]): Promise<void> {
  if (until === "ready") {
    // Where the host is stopped meanwhile, that is for whoever stops it.
    drained.catch(() => undefined);
  } else {
    await drained;
  }
}
