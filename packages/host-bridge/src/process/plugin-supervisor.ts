import { randomBytes } from "node:crypto";
import { type Logger, ServeHTTPError } from "@servehttp/contract";
import { connectRetryMs, lostGraceMs, stopGraceMs } from "../limits.js";
import { type Clock, systemClock } from "./clock.js";
import type { HostProcesses, ProcessesPlace } from "./host-processes.js";
import { exitText, PluginProcess, type ProcessExit } from "./plugin-process.js";
import { afterFailure, type FailureHistory, noFailures } from "./restart-policy.js";

/** A connection to a plugin, as far as its supervisor needs to know. */
export interface SupervisedConnection {
  /** Settles, and never rejects, when the connection is gone. */
  readonly lost: Promise<ServeHTTPError>;
  close(how: "drained" | "now"): void;
}

/** Where a plugin that was just started listens, or will in a moment. */
export interface StartedPlugin {
  readonly socketPath: string;
  readonly token: string;
}

export interface PluginSupervisorOptions<Connection extends SupervisedConnection> {
  readonly pluginId: string;
  readonly command: readonly string[];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** From spawning to being ready. */
  readonly startMs: number;
  /** The host's; shared by all its plugins. */
  readonly processes: HostProcesses;
  /** Names the plugin in each record. */
  readonly logger: Required<Logger>;
  /**
   * Connects to the plugin and asks it who it is; resolves when it is ready. Called again after a
   * rejection with `connection-failed`, because a plugin needs a moment before it listens; any
   * other rejection is final.
   */
  connect(this: void, plugin: StartedPlugin, signal: AbortSignal): Promise<Connection>;
  /** Called after each change of state. */
  onChange(this: void): void;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** From 0 to 1. Default: `Math.random`. */
  readonly chance?: () => number;
  /** From SIGTERM to SIGKILL, in milliseconds. Default: 5,000. */
  readonly graceMs?: number;
}

/**
 * What a supervised plugin is doing.
 *
 *     stopped     -> starting                [start]
 *     starting    -> ready                   [connected]
 *     starting    -> backing-off, failed   [failed: it exited, was too slow, is no plugin]
 *     ready       -> backing-off, failed   [failed: it exited, its connection broke, `fail`]
 *     ready       -> draining                [drain]
 *     draining    -> stopped                 [failed]
 *     backing-off -> starting                [the delay is over; start]
 *     failed    -> starting                [start]
 *     any         -> stopping -> stopped     [stop]
 */
type State<Connection> =
  | { readonly kind: "stopped"; readonly failure: ServeHTTPError | undefined }
  | { readonly kind: "starting"; readonly run: Run }
  | {
      readonly kind: "ready";
      readonly run: Run;
      readonly connection: Connection;
      readonly readyAtMs: number;
    }
  | { readonly kind: "draining"; readonly run: Run; readonly connection: Connection }
  | {
      readonly kind: "backing-off";
      readonly failure: ServeHTTPError;
      readonly wait: AbortController;
    }
  | { readonly kind: "failed"; readonly failure: ServeHTTPError }
  | { readonly kind: "stopping" };

/** One process, with what ends with it. */
interface Run {
  readonly place: ProcessesPlace;
  readonly process: PluginProcess;
  /** Aborts when the process is not wanted any more, or is gone. */
  readonly over: AbortController;
  /** Aborts when it is ready, or will never be. */
  readonly started: AbortController;
}

/**
 * Keeps one process of a plugin running and connected: starts it, notices at once when it or its
 * connection is lost, starts it again after a growing delay, gives it up when it fails too often,
 * stops it.
 */
export class PluginSupervisor<Connection extends SupervisedConnection> implements AsyncDisposable {
  readonly #options: PluginSupervisorOptions<Connection>;
  readonly #clock: Clock;
  #state: State<Connection> = { kind: "stopped", failure: undefined };
  #sinceUnixMs: number;
  #restarts = 0;
  #history: FailureHistory = noFailures;
  #firstReady: PromiseWithResolvers<void> | undefined;
  /** Settles when the processes of earlier runs are gone. */
  #earlier: Promise<unknown> = Promise.resolve();

  constructor(options: PluginSupervisorOptions<Connection>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#sinceUnixMs = this.#clock.unixMs();
  }

  get state(): State<Connection>["kind"] {
    return this.#state.kind;
  }

  /** When the state began, in milliseconds since the Unix epoch. */
  get sinceUnixMs(): number {
    return this.#sinceUnixMs;
  }

  /** How often it was started again after a failure. */
  get restarts(): number {
    return this.#restarts;
  }

  get pid(): number | undefined {
    return "run" in this.#state ? this.#state.run.process.pid : undefined;
  }

  /** There while the state is `ready` or `draining`. */
  get connection(): Connection | undefined {
    return "connection" in this.#state ? this.#state.connection : undefined;
  }

  /** Why it is not running, where it failed. */
  get failure(): ServeHTTPError | undefined {
    return "failure" in this.#state ? this.#state.failure : undefined;
  }

  /**
   * Starts it, also out of turn while it backs off, and anew when it was given up; it is kept
   * running from then on. Resolves when it is ready.
   *
   * @throws ServeHTTPError why this attempt failed: `deadline` when it was too slow,
   *   `connection-failed` when it could not be run or exited, what `connect` rejected with,
   *   `host-stopping` when it was stopped meanwhile. Later attempts are made all the same.
   */
  async start(): Promise<void> {
    const place = await this.#options.processes.open();
    // Two processes of one plugin would fight for its files and ports.
    await this.#earlier;
    switch (this.#state.kind) {
      case "ready":
        return;
      case "draining":
      case "stopping":
        throw new ServeHTTPError("unavailable", `the plugin is ${this.#state.kind}`);
      case "failed":
        this.#history = noFailures;
        this.#run(place);
        break;
      case "backing-off":
        this.#state.wait.abort();
        this.#run(place);
        break;
      case "stopped":
        this.#run(place);
        break;
      case "starting":
        break;
    }
    this.#firstReady ??= Promise.withResolvers<void>();
    await this.#firstReady.promise;
  }

  /** Marks it as one that gets nothing new. When it is lost now, it stays down. */
  drain(): void {
    if (this.#state.kind === "ready") {
      this.#enter({ kind: "draining", run: this.#state.run, connection: this.#state.connection });
    }
  }

  /**
   * Has it replaced as if it had crashed, because somebody found it hung. Does nothing unless it is
   * ready.
   */
  fail(reason: ServeHTTPError): void {
    if (this.#state.kind === "ready") {
      this.#failed(this.#state.run, reason, 0);
    }
  }

  /**
   * Ends it for good: SIGTERM, after the grace SIGKILL, for its process group. Resolves when
   * nothing of it is left. Safe to call more than once.
   */
  async stop(): Promise<void> {
    const state = this.#state;
    if (state.kind === "backing-off") {
      state.wait.abort();
    }
    if ("connection" in state) {
      state.connection.close("drained");
    }
    if (state.kind !== "stopped" && state.kind !== "stopping") {
      this.#enter({ kind: "stopping" });
      this.#settleStart(new ServeHTTPError("host-stopping", "the plugin was stopped"));
    }
    if ("run" in state) {
      this.#end(state.run, this.#options.graceMs ?? stopGraceMs);
    }
    await this.#earlier;
    if ("connection" in state) {
      state.connection.close("now");
    }
    if (this.#state.kind === "stopping") {
      this.#enter({ kind: "stopped", failure: undefined });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Spawns a process and sees it become ready, or fail. */
  #run(place: ProcessesPlace): void {
    const { logger, pluginId, command, cwd, env } = this.#options;
    const { directory, guard } = place;
    const socketPath = directory.nextPath();
    const token = randomBytes(32).toString("base64url");
    const address = `unix:${socketPath}`;
    const process = new PluginProcess({ pluginId, command, cwd, env, address, token, logger });
    const run: Run = {
      place,
      process,
      over: new AbortController(),
      started: new AbortController(),
    };
    if (process.pid !== undefined) {
      guard.watch(process.pid);
    }
    this.#enter({ kind: "starting", run });
    void process.exited.then((exit) => {
      if (process.pid !== undefined) {
        guard.forget(process.pid);
        logger.info({ pluginPid: process.pid }, `plugin process ${exitText(exit)}`);
      }
      this.#failed(run, exitError(exit, this.#state.kind === "starting"));
    });
    this.#clock.after(this.#options.startMs, run.started.signal, () => {
      const reason = `it was not ready within ${this.#options.startMs} ms`;
      this.#failed(run, new ServeHTTPError("deadline", reason));
    });
    this.#connect(run, { socketPath, token }, connectRetryMs.first);
  }

  #connect(run: Run, plugin: StartedPlugin, retryMs: number): void {
    const { signal } = run.over;
    this.#options.connect(plugin, signal).then(
      (connection) => this.#connected(run, connection),
      (thrown: unknown) => {
        const error = ServeHTTPError.from(thrown, "connection-failed");
        if (error.code !== "connection-failed") {
          this.#failed(run, error);
          return;
        }
        this.#clock.after(retryMs, signal, () => {
          this.#connect(run, plugin, Math.min(retryMs * 1.5, connectRetryMs.max));
        });
      },
    );
  }

  #connected(run: Run, connection: Connection): void {
    if (this.#state.kind !== "starting" || this.#state.run !== run) {
      connection.close("now");
      return;
    }
    run.started.abort();
    this.#enter({ kind: "ready", run, connection, readyAtMs: this.#clock.nowMs() });
    void connection.lost.then((error) => this.#failed(run, error));
    this.#settleStart(undefined);
  }

  /** The process is gone, or is of no use. The one way from a run to the next. */
  #failed(run: Run, reason: ServeHTTPError, graceMs = lostGraceMs): void {
    const state = this.#state;
    if (!("run" in state) || state.run !== run) {
      return;
    }
    const { pluginId, logger } = this.#options;
    const pluginPid = run.process.pid;
    // The tail is in the pipe when the exit is known; when the process still runs, what it has printed so far.
    const failure = withTail(pluginId, reason, run.process.stderrTail());
    if ("connection" in state) {
      state.connection.close("now");
    }
    if (state.kind === "draining") {
      this.#enter({ kind: "stopped", failure });
    } else {
      const nowMs = this.#clock.nowMs();
      const ranMs = state.kind === "ready" ? nowMs - state.readyAtMs : 0;
      const chance = (this.#options.chance ?? Math.random)();
      const { history, delayMs } = afterFailure(this.#history, nowMs, ranMs, chance);
      this.#history = history;
      if (delayMs === undefined) {
        logger.error({ pluginPid, err: failure }, "plugin failed too often: given up");
        this.#enter({ kind: "failed", failure });
      } else {
        logger.warn({ pluginPid, delayMs, err: failure }, "plugin failed: starts again");
        this.#backOff(failure, delayMs, run.place);
      }
    }
    this.#end(run, graceMs);
    this.#settleStart(failure);
  }

  #backOff(failure: ServeHTTPError, delayMs: number, place: ProcessesPlace): void {
    const wait = new AbortController();
    this.#enter({ kind: "backing-off", failure, wait });
    this.#clock.after(delayMs, wait.signal, () => {
      void this.#earlier.then(() => {
        if (!wait.signal.aborted) {
          this.#restarts++;
          this.#run(place);
        }
      });
    });
  }

  #end(run: Run, graceMs: number): void {
    run.started.abort();
    run.over.abort();
    this.#earlier = Promise.all([this.#earlier, run.process.stop(graceMs)]);
  }

  #settleStart(failure: ServeHTTPError | undefined): void {
    const waiting = this.#firstReady;
    this.#firstReady = undefined;
    if (failure === undefined) {
      waiting?.resolve();
    } else {
      waiting?.reject(failure);
    }
  }

  #enter(state: State<Connection>): void {
    this.#state = state;
    this.#sinceUnixMs = this.#clock.unixMs();
    this.#options.logger.debug(
      { pluginPid: this.pid, state: state.kind },
      "plugin changed its state",
    );
    this.#options.onChange();
  }
}

function exitError(exit: ProcessExit, starting: boolean): ServeHTTPError {
  if (exit.kind === "not-started") {
    return new ServeHTTPError("connection-failed", exitText(exit), { cause: exit.error });
  }
  return starting
    ? new ServeHTTPError("connection-failed", `it ${exitText(exit)} before it was ready`)
    : new ServeHTTPError("connection-lost", `it ${exitText(exit)}`);
}

/**
 * An error that says in one line which plugin failed, why, and what it said last on standard error.
 */
function withTail(
  pluginId: string,
  reason: ServeHTTPError,
  tail: readonly string[],
): ServeHTTPError {
  const said = tail.length === 0 ? "" : `; it said: ${tail.join(" | ")}`;
  return new ServeHTTPError(reason.code, `plugin ${pluginId}: ${reason.message}${said}`, {
    cause: reason.cause ?? reason,
  });
}
