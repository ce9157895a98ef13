import { ServeHTTPError } from "@servehttp/contract";
import type { Logger } from "pino";
import type { InstanceState, PluginInstance } from "./plugin-instance.js";
import { type LinkOptions, PluginLink } from "./plugin-link.js";
import {
  afterFailure,
  type FailureHistory,
  noFailures,
  type RestartRules,
  restartRules,
} from "./process/restart-policy.js";

/** Somebody else's process is never given up: nobody would tell us that it is back. */
const patience: RestartRules = { ...restartRules, failuresMax: Number.POSITIVE_INFINITY };

/** A connection that held so long is made again at once; one that breaks sooner would be made and lost in a circle. */
const steadyMs = 1_000;

/** What an instance at an address is made of. */
export interface UrlInstanceOptions {
  readonly link: LinkOptions;
  /** How long one attempt to connect may take, in milliseconds. */
  readonly startMs: number;
  readonly logger: Logger;
  readonly onChange: () => void;
}

/**
 * A plugin that somebody else runs, at one address: connected, and connected again whenever the connection is lost.
 *
 *   starting    -> ready        [#connect]
 *   starting    -> backing-off  [#connect: it failed]
 *   backing-off -> starting     [#connect, after the delay]
 *   ready       -> starting     [#onLost]
 *   ready       -> backing-off  [#onLost: it did not hold]
 *   ready       -> draining     [drain]
 *   any         -> stopped      [stop]
 */
export class UrlInstance implements PluginInstance {
  readonly pid = undefined;
  readonly #options: UrlInstanceOptions;
  readonly #stopped = new AbortController();
  #state: InstanceState = "stopped";
  #sinceUnixMs = Date.now();
  #restarts = 0;
  #failures: FailureHistory = noFailures;
  #link: PluginLink | undefined;
  #failure: ServeHTTPError | undefined;
  #timer: NodeJS.Timeout | undefined;

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

  get link(): PluginLink | undefined {
    return this.#link;
  }

  get failure(): ServeHTTPError | undefined {
    return this.#failure;
  }

  async start(): Promise<void> {
    await this.#connect();
    if (this.#failure !== undefined) {
      throw this.#failure;
    }
  }

  drain(): void {
    if (this.#state === "ready") {
      this.#enter("draining");
    }
  }

  async stop(): Promise<void> {
    this.#enter("stopped");
    this.#stopped.abort(new ServeHTTPError("host-stopping", "the host stopped the plugin"));
    clearTimeout(this.#timer);
    this.#link?.close("now");
    this.#link = undefined;
  }

  async #connect(): Promise<void> {
    const { link: linkOptions, startMs } = this.#options;
    this.#enter("starting");
    const timeout = new AbortController();
    const timer = setTimeout(() => {
      const message = `the plugin did not answer within ${startMs} ms`;
      timeout.abort(new ServeHTTPError("deadline", message));
    }, startMs);
    try {
      const signal = AbortSignal.any([timeout.signal, this.#stopped.signal]);
      const link = await PluginLink.connect(linkOptions, signal);
      this.#link = link;
      this.#failure = undefined;
      this.#failures = noFailures;
      this.#enter("ready");
      void link.lost.then((reason) => this.#onLost(link, reason));
    } catch (error) {
      this.#backOff(ServeHTTPError.from(error, "connection-failed"));
    } finally {
      clearTimeout(timer);
    }
  }

  #onLost(link: PluginLink, reason: ServeHTTPError): void {
    if (this.#link !== link || this.#state === "stopped") {
      return;
    }
    const { pluginId: plugin } = this.#options.link;
    this.#options.logger.warn({ plugin, code: reason.code }, reason.message);
    // Exchanges that a closing plugin still has may end.
    link.close(reason.code === "plugin-closing" ? "drained" : "now");
    this.#link = undefined;
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

  #backOff(failure: ServeHTTPError): void {
    if (this.#state === "stopped") {
      return;
    }
    this.#failure = failure;
    this.#enter("backing-off");
    const nowMs = performance.now();
    const { history, delayMs } = afterFailure(this.#failures, nowMs, 0, Math.random(), patience);
    this.#failures = history;
    const { pluginId: plugin } = this.#options.link;
    this.#options.logger.error({ plugin, code: failure.code, delayMs }, failure.message);
    this.#timer = setTimeout(() => {
      this.#restarts += 1;
      void this.#connect();
    }, delayMs);
  }

  #enter(state: InstanceState): void {
    if (this.#state === state || this.#stopped.signal.aborted) {
      return;
    }
    this.#state = state;
    this.#sinceUnixMs = Date.now();
    this.#options.onChange();
  }
}
