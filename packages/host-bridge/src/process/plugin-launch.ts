import { type ErrorCode, type Logger, ServeHTTPError } from "@servehttp/contract";
import { connectAgainMs, connectRetryMs, exitToldMs, stopGraceMs, turnCheckMs } from "../limits.js";
import { abortable, abortableConnection } from "./abortable.js";
import type { Clock } from "./clock.js";
import type { HostProcesses } from "./host-processes.js";
import type { CallAccess } from "./plugin-environment.js";
import { exitText, type ProcessExit } from "./plugin-process.js";
import type { ProcessorTime } from "./processor-time.js";
import type { SocketDirectory } from "./socket-directory.js";
import { noEnd, type RunEnd, SharedProcess, type StartedPlugin } from "./shared-process.js";
import { shortageText } from "./system-shortage.js";

/** A connection to a plugin, as far as a launch needs to know. */
export interface LaunchedConnection {
  /** Settles, and never rejects, when nothing new can be sent on it, with the reason. */
  readonly lost: Promise<ServeHTTPError>;
  close(how: "drained" | "now"): void;
}

/** What a launch needs to know of its plugin. */
export interface PluginLaunchOptions<Connection extends LaunchedConnection> {
  readonly pluginId: string;
  /** Where its clients find it, such as `"/plugins/notes"`. */
  readonly basePath: string;
  readonly command: readonly string[];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** From spawning to being ready, without the time in which no processor was free. */
  readonly startMs: number;
  /** The host's; shared by all its plugins. */
  readonly processes: HostProcesses;
  /** Names the plugin in each record. */
  readonly logger: Required<Logger>;
  /**
   * Connects to the plugin and asks it who it is; resolves when it is ready. Called again after a
   * rejection with `connection-failed`, because a plugin needs a moment before it listens. Any
   * other rejection is final.
   */
  connect(this: void, plugin: StartedPlugin, signal: AbortSignal): Promise<Connection>;
  /** Lets a process that is about to start call other plugins. Default: it may not. */
  readonly openCalls?: ((directory: SocketDirectory) => Promise<CallAccess>) | undefined;
  readonly clock: Clock;
  readonly processorTime: (pid: number) => ProcessorTime | undefined;
}

/** One connection to a process of a plugin, which it starts where none runs. */
export class PluginLaunch<Connection extends LaunchedConnection> {
  /** Resolves when the plugin is ready; rejects with why it is not. */
  readonly ready: Promise<Connection>;
  readonly #options: PluginLaunchOptions<Connection>;
  readonly #onSpawned: (spawned: SharedProcess) => void;
  #process: SharedProcess | undefined;
  /** Aborts with why the plugin won't become ready any more. */
  readonly #over = new AbortController();
  readonly #lost = Promise.withResolvers<ServeHTTPError>();
  #lostCode: ErrorCode | undefined;
  #isHostAtFault = false;
  /** What the system had run out of when the last attempt to connect failed. */
  #shortage: string | undefined;
  /** Settles when a process is gone that took no other connection. */
  #left: Promise<unknown> | undefined;
  #ended: Promise<RunEnd> | undefined;

  constructor(
    options: PluginLaunchOptions<Connection>,
    running: SharedProcess | undefined,
    onSpawned: (spawned: SharedProcess) => void,
  ) {
    this.#options = options;
    this.#onSpawned = onSpawned;
    this.ready = this.#launch(running);
  }

  /**
   * Settles, and never rejects, when a plugin that was ready takes nothing new, with the reason.
   */
  get lost(): Promise<ServeHTTPError> {
    return this.#lost.promise;
  }

  /** Undefined until its process was started. */
  get pid(): number | undefined {
    return this.#process?.plugin.pid;
  }

  /** Whether it failed for a reason that lies with the host or its system, not with the plugin. */
  get isHostAtFault(): boolean {
    return this.#isHostAtFault || this.#shortage !== undefined;
  }

  /** Asks its process to end (SIGTERM), unless another launch uses it. */
  ask(): void {
    this.#process?.ask();
  }

  /**
   * Closes the connection and ends its process: SIGTERM, after the grace SIGKILL, for its process
   * group. A process that closed the connection in good order goes on where another launch uses it.
   * Resolves when nothing is left.
   */
  end(graceMs: number): Promise<RunEnd> {
    this.#ended ??= this.#end(graceMs);
    return this.#ended;
  }

  async #launch(running: SharedProcess | undefined): Promise<Connection> {
    const again = running === undefined ? undefined : await this.#reachAgain(running);
    const connection = again ?? (await this.#start());
    void connection.lost.then((reason) => this.#lose(reason));
    return connection;
  }

  /** Resolves with undefined where the process takes no other connection. */
  async #reachAgain(running: SharedProcess): Promise<Connection | undefined> {
    running.join();
    const over = new AbortController();
    const stop = AbortSignal.any([this.#over.signal, over.signal]);
    this.#options.clock.after(connectAgainMs, stop, () => over.abort());
    try {
      const connection = await this.#reach(running.plugin, stop);
      this.#use(running);
      return connection;
    } catch {
      this.#left = running.leave(stopGraceMs);
      return undefined;
    } finally {
      over.abort();
    }
  }

  async #start(): Promise<Connection> {
    const { clock, processes, startMs } = this.#options;
    const giveTurnBack = await processes.turns.take(this.#over.signal);
    const over = new AbortController();
    try {
      const process = await this.#spawn();
      this.#limitTime(startMs, clock.nowMs(), over.signal);
      this.#lendTurn(giveTurnBack, 0, over.signal);
      return await this.#reachOnceItListens(process.plugin);
    } finally {
      over.abort();
      giveTurnBack();
    }
  }

  async #spawn(): Promise<SharedProcess> {
    const { processes } = this.#options;
    const place = await processes.open().catch((error: unknown) => {
      this.#isHostAtFault = true;
      throw error;
    });
    let calls: CallAccess | undefined;
    try {
      calls = await this.#options.openCalls?.(place.directory);
      this.#over.signal.throwIfAborted();
    } catch (error) {
      this.#isHostAtFault = !this.#over.signal.aborted;
      calls?.revoke();
      processes.leave();
      throw error;
    }
    const spawned = new SharedProcess({ ...this.#options, calls }, place, processes);
    this.#onSpawned(spawned);
    this.#use(spawned);
    return spawned;
  }

  #use(process: SharedProcess): void {
    this.#process = process;
    void process.exited.then((exit) => {
      const text = exitText(exit);
      if (exit.kind === "not-started") {
        this.#isHostAtFault = true;
        this.#over.abort(new ServeHTTPError("connection-failed", text));
      } else {
        const message = `it ${text} before it was ready${unservedText(exit)}`;
        this.#over.abort(new ServeHTTPError("connection-failed", message));
      }
      this.#lose(new ServeHTTPError("connection-lost", `it ${text}`));
    });
  }

  #lose(reason: ServeHTTPError): void {
    this.#lostCode ??= reason.code;
    this.#lost.resolve(reason);
  }

  /** Fails the start when its time is over. Time in which no processor was free does not count. */
  #limitTime(afterMs: number, sinceMs: number, ready: AbortSignal): void {
    const { clock, startMs } = this.#options;
    clock.after(afterMs, ready, () => {
      const waitedMs = this.#processorTime()?.waitedMs ?? 0;
      const leftMs = startMs + waitedMs - (clock.nowMs() - sinceMs);
      if (leftMs > startMs / 10) {
        this.#limitTime(leftMs, sinceMs, ready);
      } else {
        this.#over.abort(new ServeHTTPError("deadline", this.#lateText()));
      }
    });
  }

  #lateText(): string {
    const advice = "it has to listen on SERVEHTTP_ADDRESS; timeouts.startMs gives it more time";
    const { startMs } = this.#options;
    return `it was not ready within ${startMs} ms: ${this.#shortage ?? advice}`;
  }

  /** Gives the turn back early where the plugin waits for something else than a processor. */
  #lendTurn(giveTurnBack: () => void, busyMs: number, ready: AbortSignal): void {
    this.#options.clock.after(turnCheckMs, ready, () => {
      const time = this.#processorTime();
      if (time === undefined) {
        return;
      }
      const nowBusyMs = time.usedMs + time.waitedMs;
      if (nowBusyMs - busyMs < turnCheckMs / 4) {
        giveTurnBack();
      } else {
        this.#lendTurn(giveTurnBack, nowBusyMs, ready);
      }
    });
  }

  #processorTime(): ProcessorTime | undefined {
    return this.pid === undefined ? undefined : this.#options.processorTime(this.pid);
  }

  async #reachOnceItListens(plugin: StartedPlugin): Promise<Connection> {
    const { signal } = this.#over;
    for (let retryMs = connectRetryMs.first; ; retryMs *= connectRetryMs.growth) {
      try {
        const connection = await this.#reach(plugin, signal);
        this.#shortage = undefined;
        return connection;
      } catch (thrown) {
        signal.throwIfAborted();
        const error = ServeHTTPError.from(thrown, "connection-failed");
        if (error.code !== "connection-failed") {
          throw error;
        }
        this.#shortage = shortageText(error);
      }
      await this.#pause(Math.min(retryMs, connectRetryMs.max), signal);
    }
  }

  #reach(plugin: StartedPlugin, stop: AbortSignal): Promise<Connection> {
    return abortableConnection(this.#options.connect(plugin, stop), stop);
  }

  #pause(ms: number, stop: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#options.clock.after(ms, stop, resolve);
    return abortable(promise, stop);
  }

  async #end(graceMs: number): Promise<RunEnd> {
    this.#over.abort(new ServeHTTPError("host-stopping", "the plugin was stopped"));
    const connection = await this.ready.catch(() => undefined);
    await this.#left;
    const process = this.#process;
    if (process === undefined) {
      return noEnd;
    }
    if (this.#lostCode === "plugin-closing") {
      connection?.close("now");
      return await process.leave(graceMs);
    }
    if (this.#lostCode === "connection-lost") {
      // It may be about to end by itself; how it does says more than our signal.
      const told = new AbortController();
      await Promise.race([process.exited, this.#pause(exitToldMs, told.signal)]);
      told.abort();
    }
    connection?.close("drained");
    const end = await process.end(graceMs);
    connection?.close("now");
    return end;
  }
}

/** What is wrong with a program that ends well before it was ready, in words. */
function unservedText(exit: ProcessExit): string {
  return exit.kind === "code" && exit.code === 0
    ? ": it ended without serving; a plugin calls servePlugin (serve_plugin in Python, Serve in Go), and runs until its host ends it"
    : "";
}
