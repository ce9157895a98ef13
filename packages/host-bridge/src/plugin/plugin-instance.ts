import type { ServeHTTPError } from "@servehttp/contract";
import type { PluginConnection } from "./plugin-connection.js";

/** What one instance of a plugin is doing. */
export type InstanceState =
  | "starting"
  | "ready"
  | "draining"
  | "backing-off"
  | "failed"
  | "stopping"
  | "stopped";

/** One process of a plugin, or one of its addresses, kept connected. */
export interface PluginInstance {
  readonly state: InstanceState;
  /** The process, where the host started it. */
  readonly pid: number | undefined;
  /** When the state began, in milliseconds since the Unix epoch. */
  readonly sinceUnixMs: number;
  /** How often it was started or connected again. */
  readonly restarts: number;
  /** There while the state is `ready` or `draining`. */
  readonly connection: PluginConnection | undefined;
  /** Why it is not ready, where it failed. */
  readonly failure: Error | undefined;
  /**
   * Starts it, also anew after `stop`; it is kept running from then on. Resolves when it is ready,
   * at once where it is.
   *
   * @throws ServeHTTPError why the first attempt failed. Later ones are made all the same.
   */
  start(): Promise<void>;
  /** Sends it nothing new. */
  drain(): void;
  /** Has it replaced, because it was found hung. Does nothing unless it is ready. */
  fail(reason: ServeHTTPError): void;
  /** Ends it for good. Resolves when nothing of it is left. */
  stop(): Promise<void>;
}
