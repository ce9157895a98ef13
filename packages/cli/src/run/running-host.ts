import type { PluginHost } from "@servehttp/host-bridge";
import type { Socket } from "node:net";
import type { CollectedMetrics } from "@servehttp/admin/metrics";
import type { Logger } from "pino";
import type { CommandContext } from "../context/command-context.js";
import type { Settings } from "../config/settings.js";
import type { LogTail } from "../output/log-tail.js";
import type { ConfigReload } from "../reload/config-reload.js";
import type { ListenHandle } from "../listen/listener.js";
import type { Listeners } from "../listen/listeners.js";
import type { RunningAdmin } from "./running-admin.js";

/** Processes that serve the connections of a host. */
export interface Workers {
  readonly workers: readonly WorkerState[];
  /** Resolves when their plugins are connected, or have failed. */
  start(): Promise<void>;
  /** Gives a connection to one of them. */
  take(socket: Socket, listener: number): void;
  /** What all of them have measured, those that have ended among them. */
  collectMetrics(): Promise<readonly CollectedMetrics[]>;
  /** Lets all come to what the config says. */
  reload(): Promise<void>;
  /** Closes each connection of HTTP/1 with its next response; new ones are taken. */
  closeBehindResponses(): void;
  /** Leaves new connections to another process. Resolves when none is open, or `ms` are over. */
  retire(ms: number): Promise<void>;
  /**
   * Lets end what runs, or breaks it when `now` aborts. Resolves when they are gone, with how many
   * requests were broken.
   */
  drain(now: AbortSignal): Promise<number>;
}

/** What one of them is doing. */
export interface WorkerState {
  /** 0 while there is no process. */
  readonly pid: number;
  readonly state: string;
}

/** What workers are made with. */
export interface WorkersOptions {
  readonly count: number;
  readonly host: PluginHost;
  readonly logger: Logger;
  readonly context: CommandContext;
  /** Takes a record of their log. */
  readonly onLog: (record: string) => void;
  /** None is left, and none will be started. */
  readonly onGone: () => void;
}

/** A host that this command runs. */
export interface RunningHost {
  readonly host: PluginHost;
  readonly listeners: Listeners;
  /** The processes that serve connections; undefined: this one does. */
  readonly workers: Workers | undefined;
  /** Undefined: there is none. */
  readonly admin: RunningAdmin | undefined;
  /** As it was started. */
  readonly settings: Settings;
  /** Reads command line and config anew, and brings the host to what they say. */
  readonly config: ConfigReload;
  /** The last records of the log. */
  readonly logTail: LogTail;
  readonly logger: Logger;
  readonly context: CommandContext;
  /** Drains and ends the command, as SIGTERM does. */
  readonly stop: () => void;
  /** Another process has taken over; this one only lets end what runs. */
  isSuperseded: boolean;
}

/**
 * Something that goes on while the host runs: a pid file, a control socket. It begins when all
 * plugins were started, and returns what ends it, before the host drains.
 */
export type Companion = (running: RunningHost) => Promise<() => Promise<void> | void>;

/** The process whose place this one takes. */
export interface Predecessor {
  /** The sockets on which it listens, by their addresses. */
  handles(): Promise<ReadonlyMap<string, ListenHandle>>;
  /** Tells it that it may go. */
  leave(): Promise<void>;
}

/** What goes on beside a host, in the order in which it begins, and whose place it takes. */
export interface Beside {
  readonly companions: readonly Companion[];
  readonly predecessor: Predecessor | undefined;
  readonly workers: (options: WorkersOptions) => Workers;
}
