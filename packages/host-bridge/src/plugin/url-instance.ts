import { type Logger, ServeHTTPError } from "@servehttp/contract";
import type { InstanceState, PluginInstance } from "./plugin-instance.js";
import { type PluginConnectionOptions, PluginConnection } from "./plugin-connection.js";
import {
  afterFailure,
  type FailureHistory,
  noFailures,
  type RestartRules,
  restartRules,
} from "../process/restart-policy.js";

/** Somebody else's process is never given up: nobody would tell us that it is back. */
const patience: RestartRules = { ...restartRules, failuresMax: Number.POSITIVE_INFINITY };

/**
 * A connection that held so long is made again at once; one that breaks sooner would be made and
 * lost in a circle.
 */
const steadyMs = 1_000;

/** What an instance at an address is made of. */
export interface UrlInstanceOptions {
  readonly connection: PluginConnectionOptions;
  /** How long one attempt to connect may take, in milliseconds. */
  readonly startMs: number;
  readonly logger: Required<Logger>;
  readonly onChange: () => void;
}

/**
 * A plugin that somebody else runs, at one address: connected, and connected again whenever the
 * connection is lost.
 *
 *   stopped     -> starting     [start]
 *   starting    -> ready        [#attempt]
 *   starting    -> backing-off  [#attempt: it failed]
 *   backing-off -> starting     [#connect, after the delay or by start]
 *   ready       -> starting     [#onLost]
 *   ready       -> backing-off  [#onLost: it did not hold]
 *   ready       -> draining     [drain]
 *   any         -> stopped      [stop]
 */
export class UrlInstance implements PluginInstance {
  readonly pid = undefined;
  readonly #options: UrlInstanceOptions;
  #state: InstanceState = "stopped";
  #sinceUnixMs = Date.now();
  #restarts = 0;
  #failures: FailureHistory = noFailures;
  #connection: PluginConnection | undefined;
  /** Links of a plugin that is closing, on which exchanges may still end. */
  readonly #retired = new Set<PluginConnection>();
  #failure: ServeHTTPError | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Aborts with the next `stop`. */
  #stopping = new AbortController();
  #connecting: Promise<ServeHTTPError | undefined> | undefined;

  constructor(options: UrlInstanceOptions) {
    this.#options = options;
  }

  get state(): InstanceState {
    return this.#state;
  }

  get sinceUnixMs(): number {
    return this.#sinceUnixMs;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get connection(): PluginConnection | undefined {
    return this.#connection;
  }

  get failure(): ServeHTTPError | undefined {
    return this.#failure;
  }

  async start(): Promise<void> {
    if (this.#state === "ready") {
      return;
    }
    if (this.#state === "draining") {
      throw new ServeHTTPError("unavailable", "the plugin is draining");
    }
    const failure = await this.#connect();
    if (failure !== undefined) {
      throw failure;
    }
  }

  drain(): void {
    if (this.#state === "ready") {
      this.#enter("draining");
    }
  }

  fail(reason: ServeHTTPError): void {
    if (this.#state === "ready" && this.#connection !== undefined) {
      this.#onLost(this.#connection, reason);
    }
  }

  async stop(): Promise<void> {
    this.#enter("stopped");
    this.#stopping.abort(new ServeHTTPError("host-stopping", "the host stopped the plugin"));
    this.#stopping = new AbortController();
    this.#connecting = undefined;
    clearTimeout(this.#timer);
    void this.#connection?.close("now");
    this.#connection = undefined;
    for (const connection of this.#retired) {
      void connection.close("now");
    }
    this.#retired.clear();
  }

  /**
   * One attempt at a time: whoever comes meanwhile waits for the same. Resolves with why it failed.
   */
  #connect(): Promise<ServeHTTPError | undefined> {
    this.#connecting ??= this.#attempt(this.#stopping.signal);
    return this.#connecting;
  }

  async #attempt(stopping: AbortSignal): Promise<ServeHTTPError | undefined> {
    const { connection: connectionOptions, startMs } = this.#options;
    clearTimeout(this.#timer);
    this.#enter("starting");
    const timeout = new AbortController();
    const timer = setTimeout(() => {
      const message = `the plugin did not answer within ${startMs} ms`;
      timeout.abort(new ServeHTTPError("deadline", message));
    }, startMs);
    let connection: PluginConnection;
    try {
      connection = await PluginConnection.connect(
        connectionOptions,
        AbortSignal.any([timeout.signal, stopping]),
      );
    } catch (error) {
      const failure = ServeHTTPError.from(error, "connection-failed");
      if (!stopping.aborted) {
        this.#connecting = undefined;
        this.#backOff(failure);
      }
      return failure;
    } finally {
      clearTimeout(timer);
    }
    if (stopping.aborted) {
      void connection.close("now");
      return ServeHTTPError.from(stopping.reason);
    }
    this.#connecting = undefined;
    this.#connection = connection;
    this.#failure = undefined;
    this.#failures = noFailures;
    this.#enter("ready");
    void connection.lost.then((reason) => this.#onLost(connection, reason));
    return undefined;
  }

  #onLost(connection: PluginConnection, reason: ServeHTTPError): void {
    if (this.#connection !== connection) {
      return;
    }
    const { pluginId: plugin } = this.#options.connection;
    this.#options.logger.warn({ plugin, code: reason.code }, reason.message);
    if (reason.code === "plugin-closing") {
      this.#retire(connection);
    } else {
      void connection.close("now");
    }
    this.#connection = undefined;
    if (this.#state === "draining") {
      return;
    }
    if (Date.now() - this.#sinceUnixMs < steadyMs) {
      this.#backOff(reason);
    } else {
      this.#restarts += 1;
      void this.#connect();
    }
  }

  /** Lets the exchanges end that a closing plugin still has. */
  #retire(connection: PluginConnection): void {
    for (const one of this.#retired) {
      if (one.closed) {
        this.#retired.delete(one);
      }
    }
    void connection.close("drained");
    this.#retired.add(connection);
  }

  #backOff(failure: ServeHTTPError): void {
    this.#failure = failure;
    this.#enter("backing-off");
    const nowMs = performance.now();
    const { history, delayMs } = afterFailure(this.#failures, nowMs, 0, Math.random(), patience);
    this.#failures = history;
    const { pluginId: plugin } = this.#options.connection;
    this.#options.logger.error({ plugin, code: failure.code, delayMs }, failure.message);
    this.#timer = setTimeout(() => {
      this.#restarts += 1;
      void this.#connect();
    }, delayMs);
  }

  #enter(state: InstanceState): void {
    if (this.#state === state) {
      return;
    }
    this.#state = state;
    this.#sinceUnixMs = Date.now();
    this.#options.onChange();
  }
}
