import type { HostOptions } from "@servehttp/host-bridge";
import type { ListenerSettings } from "../listen/listener-settings.js";
import type { LogSettings } from "../output/log-settings.js";
import type { CommandConfig } from "./config.js";
import type { AdminSettings } from "./read-admin.js";

/** What the command line and the config say together, checked and ready to run. */
export interface Settings {
  /** The config's path; undefined where there is none. */
  readonly file: string | undefined;
  /** The options of `createPluginHost`; without a logger, the command's own is used. */
  readonly host: HostOptions;
  /** Whether plugins reload when their files change. */
  readonly watch: boolean;
  /** Answers what is not for a plugin; undefined: 404. */
  readonly app: CommandConfig["app"];
  /** One or more. */
  readonly listen: readonly ListenerSettings[];
  readonly log: LogSettings;
  /** Undefined: there is no admin. */
  readonly admin: AdminSettings | undefined;
  /** How long it goes on serving when it is told to stop, in milliseconds. */
  readonly lameDuckMs: number;
  /** How many processes serve connections; 1: the command's own. */
  readonly workers: number;
  /** Where the process id is written; undefined: nowhere. */
  readonly pidFile: string | undefined;
}
