import type { Logger } from "@servehttp/contract";
import { HostGuard } from "./host-guard.js";
import { SocketDirectory } from "./socket-directory.js";

/** What all plugin processes of a host share. */
export interface ProcessesPlace {
  readonly directory: SocketDirectory;
  readonly guard: HostGuard;
}

/**
 * The directory and the guard of a host's processes: made when the first plugin starts, gone after
 * the last has stopped.
 */
export class HostProcesses implements AsyncDisposable {
  readonly #logger: Required<Logger>;
  readonly #parent: string | undefined;
  #place: Promise<ProcessesPlace> | undefined;

  /** @param parent of the directory. Default: the system's temporary directory */
  constructor(logger: Required<Logger>, parent?: string) {
    this.#logger = logger;
    this.#parent = parent;
  }

  /**
   * Makes them, unless they are there.
   *
   * @throws ServeHTTPError `invalid-argument`, or the system's error, when the directory can't be
   *   made; the next call tries again
   */
  async open(): Promise<ProcessesPlace> {
    this.#place ??= this.#make();
    try {
      return await this.#place;
    } catch (error) {
      this.#place = undefined;
      throw error;
    }
  }

  /** Removes them. To be called when every plugin has stopped; `open` makes them anew. */
  async close(): Promise<void> {
    const place = await this.#place;
    this.#place = undefined;
    await place?.guard.stop();
    await place?.directory.remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #make(): Promise<ProcessesPlace> {
    const directory = await SocketDirectory.create(this.#parent);
    return { directory, guard: new HostGuard(directory.path, this.#logger) };
  }
}
