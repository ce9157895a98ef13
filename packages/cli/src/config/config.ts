import type {
  CommandPluginOptions,
  HostOptions,
  NodeRequest,
  NodeResponse,
  PluginHost,
  PluginOptions,
  UrlPluginOptions,
} from "@servehttp/host-bridge";
import type {
  BasicIdentityOptions,
  ForwardAuthOptions,
  JwtIdentityOptions,
  ProxyIdentityOptions,
} from "@servehttp/host-bridge/identity";
import {
  type Given,
  isProxyRange,
  listOf,
  oneOf,
  shape,
  text,
  value,
  whole,
} from "@servehttp/host-bridge/options";
import { z } from "zod";
import { adminForms, lameDuckMsMax, listenDefault, workersMax } from "../limits.js";
import { parseWorkerCount, workerCountForms } from "./worker-count.js";
import { listenForms, parseListenAddress } from "../listen/listen-address.js";
import { logFormats, logLevels } from "../output/log-settings.js";

/** What a config may say beside the options of `createPluginHost`. */

const file = text("a file's path", (path) => path !== "" && !path.includes("\0"));

const certificateKeys = {
  /** The file of the certificate (PEM), with those of its issuers behind it. */
  cert: file,
  /** The file of its key (PEM). */
  key: file,
  /** For a key that is encrypted. */
  passphrase: text("a string", () => true).optional(),
};

/** A certificate to listen with. Relative paths are relative to the config. */
export interface CertificateConfig extends Given<typeof certificateKeys, "cert" | "key"> {}

// Its type says that each key may be left out; the schema refuses what lacks a needed one.
const certificate = shape(certificateKeys) as unknown as z.ZodType<
  CertificateConfig,
  CertificateConfig
>;

const addressText = text(
  listenForms,
  (given) => parseListenAddress(given, listenDefault.host) !== undefined,
);

const listenKeys = {
  /** `"host:port"`, `":port"` for every address of the machine, `"unix:/path"` or `"fd:N"`. */
  address: addressText,
  /** In place of the config's; false: plain HTTP. Default: the config's. */
  tls: z
    .union([certificate, z.literal(false)], { error: "false, or an object with cert and key" })
    .optional(),
  /**
   * The balancers that begin each connection with a header of the PROXY protocol: addresses, ranges
   * such as `"10.0.0.0/8"`, and `"unix"` for whoever connects to a unix socket. Default: none.
   */
  proxyProtocol: listOf(
    text('an address, a range such as "10.0.0.0/8", or "unix"', isProxyRange),
    'an array of addresses, ranges such as "10.0.0.0/8", and "unix"',
  )
    .refine((from) => from.length > 0, { error: "an array of at least one" })
    .optional(),
  /**
   * Who may connect to a unix socket: its permissions, such as `"660"`. Default: those that the
   * system gives, by the umask.
   */
  mode: text('permissions in octal, such as "660"', isMode).optional(),
};

function isMode(given: string): boolean {
  return /^0?[0-7]{3}$/.test(given);
}

/**
 * Who clients are, for configs in JSON and for those who need nothing else: one of the ready-made
 * identities of `@servehttp/host-bridge/identity`, with its options.
 */
export type IdentityConfig =
  | { readonly jwt: JwtIdentityOptions }
  | { readonly basic: BasicIdentityOptions }
  | { readonly forward: ForwardAuthOptions }
  | { readonly proxy: ProxyIdentityOptions };

const watchKeys = {
  /** True: pages reload by themselves when their plugin is a new one. Default: false. */
  liveReload: z.boolean("true or false").optional(),
};

/** What `watch` does beside reloading plugins. */
export interface WatchConfig extends Given<typeof watchKeys> {}

const watch: z.ZodType<WatchConfig, WatchConfig> = shape(watchKeys);

/** One address to listen on. */
export interface ListenConfig extends Given<typeof listenKeys, "address"> {}

const listen = shape(listenKeys) as unknown as z.ZodType<ListenConfig, ListenConfig>;
const listenOne = z.union([addressText, listen], {
  error: `${listenForms}, or an object with address`,
});

const adminAddress = text(
  adminForms,
  (given) => parseListenAddress(given, listenDefault.host) !== undefined,
);

const adminKeys = {
  /** `"host:port"`, `"unix:/path"` or `"fd:N"`; never one of `listen`. */
  address: adminAddress,
  /**
   * What callers have to show: 16 characters or more. Default: the environment variable
   * `SERVEHTTP_ADMIN_TOKEN`; on a unix socket none; in a terminal one that is made for each run.
   */
  token: text("a string", () => true).optional(),
  /** A file with the token. Relative to the config. Default: none. */
  tokenFile: file.optional(),
  /**
   * Names under which the admin is reached, beside addresses and localhost. Default: none.
   */
  hosts: listOf(
    text("a host name", () => true),
    "an array of host names",
  ).optional(),
  /** Ids of the plugins for which `/readyz` waits. Default: all plugins. */
  required: listOf(
    text("a plugin's id", () => true),
    "an array of plugins' ids",
  ).optional(),
  /** A certificate: then HTTP/2 and HTTP/1.1 over TLS. Default: plain HTTP/1.1. */
  tls: certificate.optional(),
  /** Who may connect to a unix socket: its permissions. Default: `"600"`, its owner. */
  mode: text('permissions in octal, such as "600"', isMode).optional(),
};

/** The admin of the host. */
export interface AdminConfig extends Given<typeof adminKeys, "address"> {}

const admin = shape(adminKeys) as unknown as z.ZodType<AdminConfig, AdminConfig>;

interface Callbacks {
  /**
   * Answers what is not for a plugin: a listener as of `node:http`, such as an Express application,
   * that gets the host as well. Not in JSON. Default: 404.
   */
  app(this: void, request: NodeRequest, response: NodeResponse, host: PluginHost): unknown;
}

const appKeys: { readonly app: z.ZodOptional<z.ZodType<Callbacks["app"], Callbacks["app"]>> } = {
  app: value<Callbacks["app"]>("a function", (given) => typeof given === "function").optional(),
};

const commandKeys = {
  /**
   * Where to listen: `"host:port"`, `":port"` for every address of the machine, `"unix:/path"`,
   * `"fd:N"`, an object with `address`, or an array of these. Default: `"127.0.0.1:8080"`.
   */
  listen: z
    .union([listenOne, z.array(listenOne).min(1).readonly()], {
      error: `${listenForms}, an object with address, or an array of these`,
    })
    .optional(),
  /** A certificate for all addresses: then HTTP/2 and HTTP/1.1 over TLS. Default: plain HTTP/1.1. */
  tls: certificate.optional(),
  /**
   * For development: a plugin reloads when its files change, the config when that changes, and
   * clients see why a plugin is not there. Default: false.
   */
  watch: z
    .union([z.boolean(), watch], { error: "true, false, or an object with liveReload" })
    .optional(),
  /** How to log, where no `logger` is given. Default: pretty in a terminal, else JSON lines. */
  log: oneOf(...logFormats).optional(),
  /** The least that is logged, where no `logger` is given. Default: `"info"`. */
  logLevel: oneOf(...logLevels).optional(),
  /**
   * Where the admin is, with its dashboard, API, probes and metrics: `"host:port"`, `"unix:/path"`,
   * or an object with `address`. Default: nowhere.
   */
  admin: z
    .union([adminAddress, admin], { error: `${adminForms}, or an object with address` })
    .optional(),
  /**
   * How many processes serve connections, 1 to 256, or `"auto"` for one on each processor. More than
   * one: the command only supervises plugins and workers. Default: 1, the command's own process.
   */
  workers: value<number | "auto">(
    workerCountForms,
    (given) =>
      given === "auto" || (typeof given === "number" && parseWorkerCount(given) !== undefined),
    { anyOf: [{ type: "integer", minimum: 1, maximum: workersMax }, { const: "auto" }] },
  ).optional(),
  /**
   * How long the host goes on serving when it is told to stop: `/readyz` answers 503 and each
   * connection closes with its next response, so that load balancers turn to other hosts before it
   * takes no more. Then it drains. Default: 0.
   */
  lameDuckMs: whole(0, lameDuckMsMax).optional(),
  /** Where to write the process id. Relative to the config. Default: nowhere. */
  pidFile: file.optional(),
  /** Where the schema of this file is, for editors. Default: none. */
  $schema: text("a string", () => true).optional(),
};

/** What a config says of the command itself. */
export interface CommandConfig extends Given<typeof commandKeys>, Given<typeof appKeys> {}

export const commandSchema: z.ZodType<CommandConfig, CommandConfig> = shape({
  ...commandKeys,
  ...appKeys,
});

/** The names of the options that are the command's own. */
export const commandNames: readonly string[] = [commandKeys, appKeys].flatMap((keys) =>
  Object.keys(keys),
);

/** A plugin by what one would write behind `--plugin id=`. */
export interface TargetPluginOptions
  extends Omit<CommandPluginOptions, "command">, Omit<UrlPluginOptions, "url"> {
  /**
   * A script, an executable, a command line, `unix:/path` or a URL, `dns:///host:port` among them.
   * Paths are relative to the config.
   */
  readonly target: string;
}

/**
 * A config: the options of `createPluginHost`, plugins by their targets, and where the command
 * listens.
 */
export interface Config extends Omit<HostOptions, "plugins" | "identity">, CommandConfig {
  /** Who clients are: a function, or a ready-made identity by its name. Default: nobody is told. */
  readonly identity?: HostOptions["identity"] | IdentityConfig;
  /** The plugins by their ids: a target, or options. Default: none. */
  readonly plugins?: Readonly<Record<string, string | PluginOptions | TargetPluginOptions>>;
}
