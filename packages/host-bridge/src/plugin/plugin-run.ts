import type { ServeHTTPError } from "@servehttp/contract";
import type { RunEnd } from "../process/shared-process.js";

/** A connection, with what runs on it. */
export interface DrainableConnection {
  /**
   * Sends it nothing new, and resolves when nothing runs on it any more. What still runs when
   * `giveUp` aborts is broken, with its reason, but tunnels when `giveUpTunnels` does.
   *
   * @param onTunnelsLeft called once when nothing but tunnels runs
   */
  drain(giveUp: AbortSignal, giveUpTunnels: AbortSignal, onTunnelsLeft: () => void): Promise<void>;
}

/** One connection to a plugin, from the attempt to make it up to its end. */
export interface PluginRun<Connection> {
  /** Its process, where it has one. */
  readonly pid: number | undefined;
  /** Resolves when the plugin is ready; rejects with why it is not. */
  readonly ready: Promise<Connection>;
  /**
   * Settles, and never rejects, when a plugin that was ready takes nothing new. With the code
   * `plugin-closing`, what runs may end.
   */
  readonly lost: Promise<ServeHTTPError>;
  /** Whether it failed for a reason that lies with the host or its system, not with the plugin. */
  readonly isHostAtFault: boolean;
  /** Asks its process to end. */
  ask(): void;
  /** Ends it at any time. Resolves when nothing of it is left. Safe to call more than once. */
  end(graceMs: number): Promise<RunEnd>;
}
