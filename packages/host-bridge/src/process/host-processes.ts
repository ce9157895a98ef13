import { availableParallelism } from "node:os";
import type { Logger } from "@servehttp/contract";
import { startsPerProcessor } from "../limits.js";
import { HostGuard } from "./host-guard.js";
import { SocketDirectory } from "./socket-directory.js";
import { StartTurns } from "./start-turns.js";

/** What all plugin processes of a host share, for one of them. */
export interface ProcessesPlace {
  readonly directory: SocketDirectory;
  readonly guard: HostGuard;
}

/**
 * The directory and the guard of a host's processes, which are made when the first plugin starts
 * and removed after the last has stopped, and the turns in which plugins start.
 */
export class HostProcesses implements AsyncDisposable {
  readonly turns: StartTurns;
  readonly #logger: Required<Logger>;
  readonly #parent: string | undefined;
  #place: Promise<ProcessesPlace> | undefined;
  #users = 0;

  /** @param parent of the directory. Default: the system's temporary directory */
  constructor(logger: Required<Logger>, parent?: string) {
    this.#logger = logger;
    this.#parent = parent;
    this.turns = new StartTurns(startsPerProcessor * availableParallelism());
  }

  /**
   * Makes them, unless they are there. Each call needs one of `leave` once its process is gone.
   *
   * @throws ServeHTTPError `unavailable` when the directory can't be made, with what to do; the
   *   next call tries again
   */
  async open(): Promise<ProcessesPlace> {
    this.#users += 1;
    this.#place ??= this.#make();
    const opening = this.#place;
    try {
      return await opening;
    } catch (error) {
      this.#users -= 1;
      if (this.#place === opening) {
        this.#place = undefined;
      }
      throw error;
    }
  }

  /** A process that `open` was called for is gone. */
  leave(): void {
    this.#users -= 1;
  }

  /** Removes them, unless a plugin was started again meanwhile. `open` makes them anew. */
  async close(): Promise<void> {
    const opening = this.#place;
    if (opening === undefined || this.#users > 0) {
      return;
    }
    this.#place = undefined;
    const place = await opening;
    await place.guard.stop();
    await place.directory.remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #make(): Promise<ProcessesPlace> {
    const directory = await SocketDirectory.create(this.#parent);
    return { directory, guard: new HostGuard(directory.path, this.#logger) };
  }
}
