import { type Logger, pino } from "pino";
import type { EdgeOptions } from "../edge/edge-options.js";
import { invalidOption, optionError } from "./option-error.js";
import { hostSchema, pluginSchemas } from "./option-schemas.js";
import {
  type CommandPluginOptions,
  type HandlerPluginOptions,
  type HostOptions,
  type Limits,
  optionDefaults,
  type SharedPluginOptions,
  type Timeouts,
  type TlsOptions,
  type UrlPluginOptions,
} from "./options.js";
import { isPluginId } from "../edge/router.js";

/** The options of a host, checked, with every default filled in. */
export interface HostSettings {
  /** Without a slash at the end; empty when ids come first. */
  readonly prefix: string;
  readonly enabled: boolean;
  readonly identity: HostOptions["identity"];
  readonly context: HostOptions["context"];
  readonly edge: EdgeOptions;
  readonly limits: Limits;
  readonly timeouts: Timeouts;
  readonly logger: Logger;
  readonly chunkBytes: number;
  readonly plugins: ReadonlyMap<string, PluginSettings>;
}

/** The options of a plugin, checked, with every default filled in. */
export type PluginSettings = CommandSettings | UrlSettings | HandlerSettings;

interface SharedSettings {
  readonly id: string;
  readonly carrier: "auto" | "mux" | "stream";
  readonly limits: Limits;
  readonly timeouts: Timeouts;
}

export interface CommandSettings extends SharedSettings {
  readonly kind: "command";
  readonly command: readonly string[];
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly instances: number;
  readonly connect: "unix";
}

export interface UrlSettings extends SharedSettings {
  readonly kind: "url";
  readonly urls: readonly string[];
  readonly token: string | undefined;
  readonly tls: TlsOptions | undefined;
}

export interface HandlerSettings {
  readonly kind: "handler";
  readonly id: string;
  readonly handler: HandlerPluginOptions["handler"];
}

/**
 * Checks the options of `createPluginHost`.
 *
 * @throws ServeHTTPError `invalid-argument`, one line: the option, what was given, what is allowed
 */
export function readHostOptions(given: unknown): HostSettings {
  const checked = hostSchema.safeParse(given);
  if (!checked.success) {
    throw optionError(checked.error, [], given);
  }
  const options = given as HostOptions;
  const prefix = options.prefix ?? optionDefaults.prefix;
  const shared = {
    limits: filled(optionDefaults.limits, options.limits),
    timeouts: filled(optionDefaults.timeouts, options.timeouts),
  };
  const plugins = new Map<string, PluginSettings>();
  for (const [id, plugin] of Object.entries(options.plugins ?? {})) {
    plugins.set(id, readPluginOptions(id, plugin, shared));
  }
  return {
    ...shared,
    prefix: prefix.endsWith("/") ? prefix.slice(0, -1) : prefix,
    enabled: options.enabled ?? optionDefaults.enabled,
    identity: options.identity,
    context: options.context,
    edge: options.edge ?? {},
    logger: loggerOf(options.logger),
    chunkBytes: options.chunkBytes ?? optionDefaults.chunkBytes,
    plugins,
  };
}

/**
 * Checks the options of one plugin, those of `createPluginHost` and of `host.add`.
 *
 * @param host whose limits and timeouts stand where the plugin has none
 * @throws ServeHTTPError `invalid-argument`, as `readHostOptions` does
 */
export function readPluginOptions(
  id: string,
  given: unknown,
  host: Pick<HostSettings, "limits" | "timeouts">,
): PluginSettings {
  const at = ["plugins", id];
  if (typeof id !== "string" || !isPluginId(id)) {
    throw invalidOption(
      ["plugins"],
      id,
      'an id of 1 to 128 letters, digits, "_", "." and "-", neither "." nor ".."',
    );
  }
  const kinds = (["command", "url", "handler"] as const).filter(
    (key) => (given as Readonly<Record<string, unknown>> | null | undefined)?.[key] !== undefined,
  );
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const got = kind === undefined ? given : kinds.join(" and ");
    throw invalidOption(at, got, "an object with exactly one of command, url, handler");
  }
  const checked = pluginSchemas[kind].safeParse(given);
  if (!checked.success) {
    throw optionError(checked.error, at, given);
  }
  if (kind === "command") {
    return commandSettings(id, given as CommandPluginOptions, host);
  }
  if (kind === "url") {
    return urlSettings(id, given as UrlPluginOptions, host);
  }
  return { kind, id, handler: (given as HandlerPluginOptions).handler };
}

type HostDefaults = Pick<HostSettings, "limits" | "timeouts">;

function commandSettings(
  id: string,
  options: CommandPluginOptions,
  host: HostDefaults,
): CommandSettings {
  return {
    kind: "command",
    ...sharedSettings(id, options, host),
    command: [...options.command],
    cwd: options.cwd,
    env: { ...options.env },
    instances: options.instances ?? optionDefaults.instances,
    connect: options.connect ?? optionDefaults.connect,
  };
}

function urlSettings(id: string, options: UrlPluginOptions, host: HostDefaults): UrlSettings {
  const urls = typeof options.url === "string" ? [options.url] : [...options.url];
  if (options.tls !== undefined && !urls.every((url) => /^https:/i.test(url))) {
    throw invalidOption(["plugins", id, "tls"], options.tls, "nothing, unless every url is https");
  }
  return {
    kind: "url",
    ...sharedSettings(id, options, host),
    urls,
    token: options.token,
    tls: options.tls,
  };
}

function sharedSettings(
  id: string,
  options: SharedPluginOptions,
  host: HostDefaults,
): SharedSettings {
  return {
    id,
    carrier: options.carrier ?? optionDefaults.carrier,
    limits: filled(host.limits, options.limits),
    timeouts: filled(host.timeouts, options.timeouts),
  };
}

/** The given values over the defaults; one that is undefined is not given. */
function filled<Values extends object>(
  defaults: Values,
  given: Partial<Values> | undefined,
): Values {
  const values = { ...defaults };
  for (const key of Object.keys(defaults) as (keyof Values)[]) {
    const value = given?.[key];
    if (value !== undefined) {
      values[key] = value;
    }
  }
  return values;
}

function loggerOf(logger: Logger | false | undefined): Logger {
  if (logger === false) {
    return pino({ enabled: false });
  }
  return logger ?? pino({ name: "servehttp" });
}
