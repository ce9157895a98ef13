import { type Logger, ServeHTTPError } from "@servehttp/contract";
import {
  lostGraceMs,
  retiredMax,
  steadyMs,
  stopGraceMs,
  timerMsMax,
  tunnelCloseMs,
} from "../limits.js";
import type { InstanceAddress } from "../options/instance-address.js";
import type { Clock } from "../process/clock.js";
import {
  afterFailure,
  type FailureHistory,
  noFailures,
  type RestartRules,
} from "../process/restart-policy.js";
import { noEnd, type RunEnd } from "../process/shared-process.js";
import { withDetails } from "../process/with-details.js";
import {
  failureError,
  logEnd,
  logFailure,
  type PluginFailure,
  pluginFailure,
} from "./plugin-failure.js";
import type { DrainableConnection, PluginRun } from "./plugin-run.js";

/** What one instance of a plugin is doing. */
export type InstanceState =
  | "starting"
  | "ready"
  | "draining"
  | "backing-off"
  | "failed"
  | "stopping"
  | "stopped";

export interface KeptConnectionOptions<Connection extends DrainableConnection> {
  readonly pluginId: string;
  /** Where it is. Default: it is a process of the host's. */
  readonly address?: InstanceAddress;
  /** What the supervisor calls it, whose process it is. Default: its place among the instances. */
  readonly name?: string;
  /** Begins an attempt. */
  readonly open: () => PluginRun<Connection>;
  readonly rules: RestartRules;
  /** From SIGTERM to SIGKILL when it is stopped, in milliseconds. Default: 5,000. */
  readonly graceMs?: number;
  /** Names the plugin in each record. */
  readonly logger: Required<Logger>;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly chance: () => number;
  /** Called after each change of state. */
  readonly onChange: () => void;
  /** Called when it has become ready, so many milliseconds after the attempt began. */
  readonly onReady: (ms: number) => void;
  /** Called after each failure, once all is known of it. */
  readonly onFailure: (failure: PluginFailure) => void;
}

/**
 * What an instance is doing.
 *
 *     stopped     -> starting                [start]
 *     starting    -> ready                   [#onReady]
 *     starting    -> backing-off, failed     [#onFailed]
 *     ready       -> starting                [#onLost: it closed in good order]
 *     ready       -> backing-off, failed     [#onLost]
 *     backing-off -> starting                [the delay is over; start]
 *     failed      -> starting                [start]
 *     ready       -> draining                [stop]
 *     any         -> stopping -> ended       [stop]
 */
type State<Connection> =
  | { readonly kind: "stopped" }
  | { readonly kind: "starting"; readonly run: PluginRun<Connection> }
  | {
      readonly kind: "ready" | "draining";
      readonly run: PluginRun<Connection>;
      readonly connection: Connection;
    }
  | { readonly kind: "backing-off"; readonly wait: AbortController; readonly untilMs: number }
  | { readonly kind: "failed" | "stopping" | "ended" };

/**
 * Keeps one instance of a plugin connected, a process or an address: opens it, notices when it is
 * lost, opens it again after a growing delay, gives up where it fails too often, and ends it.
 */
export class KeptConnection<Connection extends DrainableConnection> {
  /** Where it is, with its share; undefined for a process of the host's. */
  address: InstanceAddress | undefined;
  /** What the supervisor calls it; undefined for an address, and for a process of the host's. */
  readonly name: string | undefined;
  readonly #options: KeptConnectionOptions<Connection>;
  #state: State<Connection> = { kind: "stopped" };
  #sinceUnixMs: number;
  #restarts = 0;
  #history: FailureHistory = noFailures;
  #starting: PromiseWithResolvers<void> | undefined;
  /** Settles when the processes of earlier runs are gone; a new one is not started before. */
  #earlier: Promise<unknown> = Promise.resolve();
  /** Runs that closed in good order, on which something still runs; each with what ends that. */
  readonly #retired = new Map<AbortController, Promise<void>>();
  /** Aborts when what runs has had its time. */
  readonly #giveUp = new AbortController();
  /** The same for tunnels. */
  readonly #giveUpTunnels = new AbortController();
  #ended: Promise<void> | undefined;

  constructor(options: KeptConnectionOptions<Connection>) {
    this.#options = options;
    this.address = options.address;
    this.name = options.name;
    this.#sinceUnixMs = options.clock.unixMs();
  }

  get state(): InstanceState {
    return this.#state.kind === "ended" ? "stopped" : this.#state.kind;
  }

  /** When the state began, in milliseconds since the Unix epoch. */
  get sinceUnixMs(): number {
    return this.#sinceUnixMs;
  }

  /** How often it was opened again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Its process, where it has one. */
  get pid(): number | undefined {
    return "run" in this.#state ? this.#state.run.pid : undefined;
  }

  /** There while the state is `ready` or `draining`. */
  get connection(): Connection | undefined {
    return "connection" in this.#state ? this.#state.connection : undefined;
  }

  /**
   * How long until the next attempt begins: 0 while one runs, and while there is a connection;
   * infinite where none will begin by itself.
   */
  get nextAttemptMs(): number {
    switch (this.#state.kind) {
      case "starting":
      case "ready":
        return 0;
      case "backing-off":
        return Math.max(0, this.#state.untilMs - this.#options.clock.nowMs());
      default:
        return Number.POSITIVE_INFINITY;
    }
  }

  /**
   * Opens it, also out of turn while it backs off, and anew where it was given up. It is kept open
   * from then on. Resolves when it is ready.
   *
   * @throws ServeHTTPError why this attempt failed: `deadline` when it was too slow,
   *   `connection-failed` when it could not be run or exited, what it rejected with,
   *   `host-stopping` when it was stopped meanwhile. Later attempts are made all the same.
   */
  async start(): Promise<void> {
    switch (this.#state.kind) {
      case "ready":
        return;
      case "draining":
      case "stopping":
      case "ended":
        throw stoppedError();
      case "backing-off":
        this.#state.wait.abort();
        this.#beginAgain(0);
        break;
      case "failed":
        this.#history = noFailures;
        this.#beginAgain(0);
        break;
      case "stopped":
        this.#begin();
        break;
      case "starting":
        break;
    }
    this.#starting ??= Promise.withResolvers<void>();
    await this.#starting.promise;
  }

  /**
   * Ends it for good: sends it nothing new, waits until what runs has ended, breaks what is left
   * after `drainMs` with `reason`, tunnels a moment later, and ends its process. Resolves when
   * nothing of it is left. Called again meanwhile, the shorter time counts.
   */
  stop(drainMs: number, reason: ServeHTTPError): Promise<void> {
    if (drainMs === 0) {
      this.#giveUp.abort(reason);
      this.#giveUpTunnels.abort(reason);
    } else {
      const tunnelMs = Math.min(drainMs + tunnelCloseMs, timerMsMax);
      this.#after(drainMs, this.#giveUp, reason);
      this.#after(tunnelMs, this.#giveUpTunnels, reason);
    }
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    const state = this.#state;
    if (state.kind === "backing-off") {
      state.wait.abort();
    }
    this.#takeStarting()?.reject(stoppedError());
    if ("connection" in state) {
      const { run, connection } = state;
      this.#enter({ kind: "draining", run, connection });
      await connection.drain(this.#giveUp.signal, this.#giveUpTunnels.signal, () => run.ask());
    }
    this.#enter({ kind: "stopping" });
    if ("run" in state) {
      logEnd(this.#log(state.run), await state.run.end(this.#graceMs));
    }
    await Promise.all([this.#earlier, ...this.#retired.values()]);
    this.#giveUp.abort();
    this.#giveUpTunnels.abort();
    this.#enter({ kind: "ended" });
  }

  #after(ms: number, what: AbortController, reason: ServeHTTPError): void {
    this.#options.clock.after(ms, what.signal, () => what.abort(reason));
  }

  #begin(): void {
    const begunMs = this.#options.clock.nowMs();
    const run = this.#options.open();
    this.#enter({ kind: "starting", run });
    run.ready.then(
      (connection) => this.#onReady(run, connection, begunMs),
      (error: unknown) => this.#onFailed(run, ServeHTTPError.from(error, "connection-failed")),
    );
  }

  /** Begins after a delay, and after the processes of earlier runs are gone. */
  #beginAgain(delayMs: number): void {
    const { clock } = this.#options;
    const wait = new AbortController();
    this.#enter({ kind: "backing-off", wait, untilMs: clock.nowMs() + delayMs });
    const begin = async () => {
      await this.#earlier;
      if (!wait.signal.aborted) {
        this.#restarts += 1;
        this.#begin();
      }
    };
    if (delayMs === 0) {
      void begin();
    } else {
      clock.after(delayMs, wait.signal, () => void begin());
    }
  }

  #onReady(run: PluginRun<Connection>, connection: Connection, begunMs: number): void {
    if (this.#state.kind !== "starting" || this.#state.run !== run) {
      // It was stopped meanwhile, which closes the connection.
      return;
    }
    const readyAtMs = this.#options.clock.nowMs();
    this.#enter({ kind: "ready", run, connection });
    this.#log(run).info({}, "plugin is ready");
    this.#options.onReady(readyAtMs - begunMs);
    this.#takeStarting()?.resolve();
    void run.lost.then((reason) => {
      if (this.#state.kind === "ready" && this.#state.run === run) {
        this.#onLost(run, connection, reason, this.#options.clock.nowMs() - readyAtMs);
      }
    });
  }

  #onLost(
    run: PluginRun<Connection>,
    connection: Connection,
    reason: ServeHTTPError,
    heldMs: number,
  ): void {
    if (reason.code !== "plugin-closing") {
      // What hangs does not react to SIGTERM.
      this.#fail(run, reason, heldMs, run.end(reason.code === "deadline" ? 0 : lostGraceMs));
    } else if (heldMs < steadyMs) {
      this.#retire(run, connection);
      this.#fail(run, reason, heldMs, undefined);
    } else {
      this.#log(run).info(
        {},
        "plugin closes: what runs on it may end; what comes waits for its successor",
      );
      this.#restarts += 1;
      // Before the old run is left, because its process may go on with another connection.
      this.#begin();
      this.#retire(run, connection);
    }
  }

  /** Lets what runs end on a plugin that closes. */
  #retire(run: PluginRun<Connection>, connection: Connection): void {
    const over = new AbortController();
    const giveUp = AbortSignal.any([this.#giveUp.signal, over.signal]);
    const giveUpTunnels = AbortSignal.any([this.#giveUpTunnels.signal, over.signal]);
    const retire = async () => {
      await connection.drain(giveUp, giveUpTunnels, () => run.ask());
      logEnd(this.#log(run), await run.end(this.#graceMs));
      this.#retired.delete(over);
    };
    this.#retired.set(over, retire());
    if (this.#retired.size > retiredMax) {
      const [oldest] = this.#retired.keys();
      oldest?.abort(new ServeHTTPError("plugin-closing", "the plugin closed too often"));
    }
  }

  #onFailed(run: PluginRun<Connection>, reason: ServeHTTPError): void {
    if (this.#state.kind === "starting" && this.#state.run === run) {
      this.#fail(run, reason, 0, run.end(lostGraceMs));
    }
  }

  /**
   * The plugin failed: decides when it is opened again. What is told of it waits for its process to
   * end, which `ended` tells.
   */
  #fail(
    run: PluginRun<Connection>,
    reason: ServeHTTPError,
    heldMs: number,
    ended: Promise<RunEnd> | undefined,
  ): void {
    const { clock, chance, rules } = this.#options;
    // What the host can't do now is no reason to give the plugin up.
    const patience = run.isHostAtFault
      ? { ...rules, failuresMax: Number.POSITIVE_INFINITY }
      : rules;
    const { history, delayMs } = afterFailure(
      this.#history,
      clock.nowMs(),
      heldMs,
      chance(),
      patience,
    );
    const { timesMs } = run.isHostAtFault ? this.#history : history;
    this.#history = { ...history, timesMs };
    const at = new Date(clock.unixMs());
    const starting = this.#takeStarting();
    const tell = (end: RunEnd) => {
      const failure = pluginFailure(reason, end, at);
      const isElsewhere = this.address !== undefined;
      logFailure(this.#log(run), failure, delayMs, this.#ended !== undefined, isElsewhere);
      starting?.reject(failureError(this.#options.pluginId, failure));
      this.#options.onFailure(failure);
    };
    const told = ended === undefined ? Promise.resolve(tell(noEnd)) : ended.then(tell);
    this.#earlier = Promise.all([this.#earlier, told]);
    if (delayMs === undefined) {
      this.#enter({ kind: "failed" });
    } else {
      this.#beginAgain(delayMs);
    }
  }

  /** What settles the promises that `start` has returned so far. */
  #takeStarting(): PromiseWithResolvers<void> | undefined {
    const starting = this.#starting;
    this.#starting = undefined;
    return starting;
  }

  #log({ pid }: PluginRun<Connection>): Required<Logger> {
    return withDetails(this.#options.logger, { pluginPid: pid });
  }

  get #graceMs(): number {
    return this.#options.graceMs ?? stopGraceMs;
  }

  #enter(state: State<Connection>): void {
    this.#state = state;
    const { clock, onChange } = this.#options;
    this.#sinceUnixMs = clock.unixMs();
    onChange();
  }
}

function stoppedError(): ServeHTTPError {
  return new ServeHTTPError("host-stopping", "the plugin was stopped");
}
