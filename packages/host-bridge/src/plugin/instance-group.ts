import type { ServeHTTPError } from "@servehttp/contract";
import type { ConnectedPlugin } from "./connected-plugin.js";
import type { KeptConnection } from "./kept-connection.js";

/** An instance of a plugin: a process, or an address. */
export type Instance = Pick<
  KeptConnection<ConnectedPlugin>,
  | "address"
  | "name"
  | "state"
  | "sinceUnixMs"
  | "restarts"
  | "pid"
  | "connection"
  | "nextAttemptMs"
  | "start"
  | "stop"
>;

/** The instance that speaks for its plugin. */
export type LeadingInstance = Pick<Instance, "state" | "sinceUnixMs" | "pid" | "connection">;

/** Instances of a plugin that are started, replaced and stopped together. */
export interface InstanceGroup {
  /** Those that take requests, as far as they are ready. Another array where others are. */
  readonly current: readonly Instance[];
  /** The same, with those that leave. */
  readonly all: readonly Instance[];
  /** A ready one, else the first, else what the group itself is doing; undefined: nothing. */
  readonly leading: LeadingInstance | undefined;
  /** Starts or connections after the first. */
  readonly restarts: number;
  /** How long until the next attempt to start one begins; infinite where none will by itself. */
  readonly nextAttemptMs: number;
  /** Whether the plugin serves only as long as each of them does. */
  readonly needsAll: boolean;
  /** Starts them. Resolves when they take requests, and rejects with why they don't. */
  start(): Promise<void>;
  /** Resolves when the first attempts of all those are over that were there when `start` did. */
  settled(): Promise<void>;
  /** Ends them for good. Called again meanwhile, the shorter time counts. */
  stop(drainMs: number, reason: ServeHTTPError): Promise<void>;
}

/** Whichever of them is ready, else the first. */
export function leadingOf(instances: readonly Instance[]): Instance | undefined {
  return instances.find(({ state }) => state === "ready") ?? instances[0];
}
