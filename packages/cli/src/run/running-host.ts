import type { PluginHost } from "@servehttp/host-bridge";
import type { Logger } from "pino";
import type { CommandContext } from "../context/command-context.js";
import type { Settings } from "../config/settings.js";
import type { LogTail } from "../output/log-tail.js";
import type { ConfigReload } from "../reload/config-reload.js";
import type { ListenHandle } from "../listen/listener.js";
import type { Listeners } from "../listen/listeners.js";
import type { RunningAdmin } from "./running-admin.js";

/** A host that this command runs. */
export interface RunningHost {
  readonly host: PluginHost;
  readonly listeners: Listeners;
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
}
