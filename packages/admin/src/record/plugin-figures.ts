import type { PluginStatus } from "@servehttp/host-bridge";
import { HeadPercentiles, type Percentiles } from "./head-percentiles.js";
import { processMemory } from "./process-memory.js";
import { RequestRates } from "./request-rates.js";

/** What is known of a plugin beside its status. */
export interface PluginFigures {
  /** Requests a second since the look before; undefined at the first look. */
  readonly rate: number | undefined;
  /** Of the last ten looks; undefined where there was no request. */
  readonly percentiles: Percentiles | undefined;
  /** Resident memory of its process in bytes; undefined where that can't be told. */
  readonly memoryBytes: number | undefined;
}

/** Looks at plugins again and again, and tells what has happened between two looks. */
export class FiguresOfPlugins {
  readonly #rates = new RequestRates();
  readonly #percentiles = new HeadPercentiles();

  /**
   * Looks at a plugin.
   *
   * @param atMs by a clock that does not go back
   */
  look(plugin: PluginStatus, atMs: number): PluginFigures {
    return {
      rate: this.#rates.look(plugin, atMs),
      percentiles: this.#percentiles.look(plugin),
      memoryBytes: plugin.pid === undefined ? undefined : processMemory(plugin.pid),
    };
  }

  /** Forgets a plugin that is not there any more. */
  forget(id: string): void {
    this.#rates.forget(id);
    this.#percentiles.forget(id);
  }
}
