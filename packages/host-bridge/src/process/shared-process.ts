import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import type { HostProcesses, ProcessesPlace } from "./host-processes.js";
import { PluginProcess, type PluginProcessOptions, type ProcessExit } from "./plugin-process.js";

/** Where a plugin that was just started listens, or will in a moment. */
export interface StartedPlugin {
  readonly socketPath: string;
  readonly token: string;
  readonly pid: number | undefined;
}

/** How a run of a plugin came to its end. */
export interface RunEnd {
  /** Undefined where there was no process, or where it goes on for another run. */
  readonly exit: ProcessExit | undefined;
  /** The host had told it to end before. */
  readonly wasAsked: boolean;
  /** The last lines on its standard error, escaped. */
  readonly stderr: readonly string[];
}

/** The end of a run without a process of its own. */
export const noEnd: RunEnd = { exit: undefined, wasAsked: false, stderr: [] };

/** A process of a plugin with its socket. It is ended when its last user leaves. */
export class SharedProcess {
  readonly plugin: StartedPlugin;
  readonly #process: PluginProcess;
  /** Settles when nothing is left of it. */
  readonly #gone: Promise<unknown>;
  #users = 1;
  #isOver = false;

  /** Spawns it, with one user. */
  constructor(
    options: Omit<PluginProcessOptions, "address" | "token">,
    { directory, guard }: ProcessesPlace,
    processes: HostProcesses,
  ) {
    const socketPath = directory.nextPath();
    const token = randomBytes(32).toString("base64url");
    this.#process = new PluginProcess({ ...options, address: `unix:${socketPath}`, token });
    const { pid } = this.#process;
    this.plugin = { socketPath, token, pid };
    if (pid !== undefined) {
      guard.watch(pid);
    }
    this.#gone = this.#process.exited.then(async () => {
      this.#isOver = true;
      if (pid !== undefined) {
        guard.forget(pid);
      }
      options.calls?.revoke();
      processes.leave();
      // One that was killed leaves its socket. Where it can't be removed, its directory will be.
      await rm(socketPath, { force: true }).catch(() => undefined);
    });
  }

  /** Settles when the process is gone. Never rejects. */
  get exited(): Promise<ProcessExit> {
    return this.#process.exited;
  }

  /** Whether it has ended, or was told to. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Adds a user. */
  join(): void {
    this.#users += 1;
  }

  /** Asks the process to end (SIGTERM), unless it has more than one user. */
  ask(): void {
    if (this.#users === 1) {
      this.#process.ask();
    }
  }

  /** Takes a user away; after the last one, the process ends, as by `end`. */
  async leave(graceMs: number): Promise<RunEnd> {
    this.#users -= 1;
    return this.#users > 0 ? noEnd : await this.end(graceMs);
  }

  /**
   * Ends the process, whoever uses it: SIGTERM, after the grace SIGKILL, for its process group.
   * Resolves when nothing of it is left.
   */
  async end(graceMs: number): Promise<RunEnd> {
    this.#isOver = true;
    const exit = await this.#process.stop(graceMs);
    await this.#gone;
    return { exit, wasAsked: this.#process.wasAsked, stderr: this.#process.stderrTail() };
  }
}
