import { isPluginId } from "../routing/router.js";
import { basePathBytesMax } from "@servehttp/contract";
import type { z } from "zod";
import { pluginIdBytesMax } from "../limits.js";
import { invalidOption, optionError } from "./option-error.js";
import {
  hostSchema,
  type LimitOptions,
  type Limits,
  pluginSchemas,
  type TimeoutOptions,
  type Timeouts,
  type TlsOptions,
} from "./options.js";

type Schemas = typeof pluginSchemas;

/** The options of a host, checked, with every default filled in. */
export interface HostSettings extends Omit<z.output<typeof hostSchema>, "plugins"> {
  readonly plugins: ReadonlyMap<string, PluginSettings>;
}

/** What a plugin takes from its host where it sets nothing of its own. */
export interface PluginBounds {
  readonly limits: Limits;
  readonly timeouts: Timeouts;
}

/** What a plugin's options are read with: what is common to all plugins of its host. */
export interface CommonSettings extends PluginBounds {
  readonly prefix: string;
  readonly publicPath: string;
}

interface Named<Kind extends keyof Schemas> {
  readonly kind: Kind;
  readonly id: string;
  /**
   * In front of the plugin's own "/", as clients send it, as far as the host's options say: public
   * path, prefix and id.
   */
  readonly basePath: string;
}

/** A plugin that the host spawns. */
export interface CommandSettings
  extends Named<"command">, PluginBounds, Omit<z.output<Schemas["command"]>, keyof PluginBounds> {}

/** A plugin that somebody else runs. */
export interface UrlSettings
  extends Named<"url">, PluginBounds, Omit<z.output<Schemas["url"]>, keyof PluginBounds> {}

/** A plugin that somebody else runs, at addresses that the application tells. */
export interface DiscoverSettings
  extends
    Named<"discover">,
    PluginBounds,
    Omit<z.output<Schemas["discover"]>, keyof PluginBounds> {}

/** A plugin inside the host's process. */
export interface HandlerSettings extends Named<"handler">, z.output<Schemas["handler"]> {}

/** The options of a plugin, checked, with every default filled in. */
export type PluginSettings = CommandSettings | UrlSettings | DiscoverSettings | HandlerSettings;

/**
 * Checks the options of `createPluginHost`.
 *
 * @throws ServeHTTPError `invalid-argument`, one line: the option, what was given, what is allowed
 */
export function readHostOptions(given: unknown): HostSettings {
  const options = checked(hostSchema, given, []);
  checkBasePath(options);
  const plugins = new Map<string, PluginSettings>();
  for (const [id, plugin] of Object.entries(options.plugins)) {
    plugins.set(id, readPluginOptions(id, plugin, options));
  }
  return { ...options, plugins };
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
  host: CommonSettings,
): PluginSettings {
  const at = ["plugins", id];
  if (typeof id !== "string" || !isPluginId(id)) {
    throw invalidOption(
      ["plugins"],
      id,
      'an id of 1 to 128 letters, digits, "_", "." and "-", neither "." nor ".."',
    );
  }
  const kinds = (["command", "url", "discover", "handler"] as const).filter(
    (key) => (given as Readonly<Record<string, unknown>> | null | undefined)?.[key] !== undefined,
  );
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const got = kind === undefined ? given : kinds.join(" and ");
    throw invalidOption(at, got, "an object with exactly one of command, url, discover, handler");
  }
  const basePath = `${host.publicPath}${host.prefix}/${id}`;
  if (kind === "handler") {
    return { kind, id, basePath, ...checked(pluginSchemas.handler, given, at) };
  }
  if (kind === "command") {
    const options = checked(pluginSchemas.command, given, at);
    checkPath(options, at);
    return { kind, id, basePath, ...options, ...bounds(given, host) };
  }
  if (kind === "discover") {
    const options = checked(pluginSchemas.discover, given, at);
    checkAddressed(options, at);
    return { kind, id, basePath, ...options, ...bounds(given, host) };
  }
  const options = checked(pluginSchemas.url, given, at);
  checkAddressed(options, at);
  if (options.tls !== undefined && options.url.some((url) => /^(?:http|unix):/i.test(url))) {
    const allowed = "nothing, unless every url is https, dns or srv";
    throw invalidOption([...at, "tls"], options.tls, allowed);
  }
  return { kind, id, basePath, ...options, ...bounds(given, host) };
}

/** What is checked of every plugin that somebody else runs. */
function checkAddressed(
  options: Pick<
    UrlSettings,
    "path" | "rewriteRedirects" | "redirectToSlash" | "protocol" | "carrier" | "tls"
  >,
  at: readonly string[],
): void {
  checkPath(options, at);
  if (options.protocol === "connect" && options.carrier === "mux") {
    throw invalidOption(
      [...at, "carrier"],
      options.carrier,
      '"auto" or "stream" with protocol "connect"',
    );
  }
  checkTls(options.tls ?? {}, [...at, "tls"]);
}

/** A certificate goes with its key, and each of them is given once. */
function checkTls(tls: TlsOptions, at: readonly string[]): void {
  const { caFile, cert, certFile, key, keyFile } = tls;
  for (const [name, file] of [
    ["ca", caFile],
    ["cert", certFile],
    ["key", keyFile],
  ] as const) {
    if (tls[name] !== undefined && file !== undefined) {
      throw invalidOption([...at, `${name}File`], file, `nothing beside ${name}`);
    }
  }
  const hasCert = cert !== undefined || certFile !== undefined;
  if (hasCert !== (key !== undefined || keyFile !== undefined)) {
    throw invalidOption(
      at,
      tls,
      "a certificate with its key: cert or certFile, and key or keyFile",
    );
  }
}

/** The contract bounds the base path of a plugin, and its id may have any length that an id has. */
function checkBasePath({
  prefix,
  publicPath,
}: Pick<CommonSettings, "prefix" | "publicPath">): void {
  const bytesMax = basePathBytesMax - "/".length - pluginIdBytesMax;
  if (publicPath.length + prefix.length > bytesMax) {
    const [name, other, path] =
      publicPath.length > prefix.length
        ? ["publicPath", "prefix", publicPath]
        : ["prefix", "publicPath", prefix];
    throw invalidOption([name], path, `at most ${bytesMax} characters together with ${other}`);
  }
}

/** What is done for a plugin that sees only its own part of the path. */
const strippedOnly = ["rewriteRedirects", "redirectToSlash"] as const;

function checkPath(
  options: { readonly path: string } & Readonly<Record<(typeof strippedOnly)[number], boolean>>,
  at: readonly string[],
): void {
  const name = strippedOnly.find((one) => options.path === "full" && options[one]);
  if (name !== undefined) {
    const allowed = 'false with path "full", with which the plugin knows its base path itself';
    throw invalidOption([...at, name], true, allowed);
  }
}

function checked<Schema extends z.ZodType>(
  schema: Schema,
  given: unknown,
  at: readonly PropertyKey[],
): z.output<Schema> {
  const result = schema.safeParse(given);
  if (!result.success) {
    throw optionError(result.error, at, given);
  }
  return result.data;
}

/** A plugin's own limits and timeouts over its host's. */
function bounds(given: unknown, host: PluginBounds): PluginBounds {
  const own = given as { limits?: LimitOptions; timeouts?: TimeoutOptions };
  return {
    limits: { ...host.limits, ...defined(own.limits) },
    timeouts: { ...host.timeouts, ...defined(own.timeouts) },
  };
}

/** A value that is undefined is one that was not given. */
function defined<Values extends object>(
  given: Values | undefined,
): { [Name in keyof Values]?: NonNullable<Values[Name]> } {
  const entries = Object.entries(given ?? {}).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries) as { [Name in keyof Values]?: NonNullable<Values[Name]> };
}
