import { ServeHTTPError } from "@servehttp/contract";
import type { Logger } from "pino";
import type { InstanceState, PluginInstance } from "./plugin-instance.js";
import { type LinkOptions, PluginLink } from "./plugin-link.js";

/** What an instance at an address is made of. */
export interface UrlInstanceOptions {
  readonly link: LinkOptions;
  /** How long one attempt to connect may take, in milliseconds. */
  readonly startMs: number;
  readonly logger: Logger;
  /** The delay before the attempt of this number, 1 for the first after a failure, in milliseconds. */
  readonly delayMs: (attempt: number) => number;
  readonly onChange: () => void;
}

/**
 * A plugin that somebody else runs, at one address: connected, and connected again whenever the connection is lost.
 *
 *   starting    -> ready        [#connect]
 *   starting    -> backing-off  [#connect: it failed]
 *   backing-off -> starting     [#connect, after the delay]
 *   ready       -> starting     [#onLost]
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
  #failures = 0;
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
      this.#failures = 0;
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
    this.#options.logger.warn({ code: reason.code, err: reason }, "connection to the plugin lost");
    // Exchanges that a closing plugin still has may end.
    link.close(reason.code === "plugin-closing" ? "drained" : "now");
    this.#link = undefined;
    if (this.#state !== "draining") {
      this.#restarts += 1;
      void this.#connect();
    }
  }

  #backOff(failure: ServeHTTPError): void {
    if (this.#state === "stopped") {
      return;
    }
    this.#failure = failure;
    this.#failures += 1;
    this.#enter("backing-off");
    const delayMs = this.#options.delayMs(this.#failures);
    this.#options.logger.error({ code: failure.code, retryInMs: delayMs }, failure.message);
    this.#timer = setTimeout(() => void this.#connect(), delayMs);
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
