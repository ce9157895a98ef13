import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { ConnectionOptions } from "node:tls";
import { isSubjectAltName, subjectAltNameForms } from "@servehttp/carrier";
import { bodyChunkBytesMax, type Logger } from "@servehttp/contract";
import type { MeterProvider, TracerProvider } from "@opentelemetry/api";
import { z } from "zod";
import { edgeSchema } from "../edge/edge-options.js";
import {
  callback,
  type Given,
  listOf,
  oneOf,
  type Read,
  shape,
  text,
  value,
  whole,
} from "../edge/option-kinds.js";
import type { IdentityFields } from "../edge/read-identity.js";
import type { RequestClient } from "../edge/request-client.js";
import { isPlainPath } from "../routing/plain-path.js";
import { isPluginId } from "../routing/router.js";
import { timerMsMax } from "../limits.js";
import { isHostName } from "../syntax/host-name.js";
import { isPluginUrl, urlForms } from "../syntax/plugin-url.js";
import { balanceSchema } from "./balance-options.js";
import { hostLogger, isLogger } from "./host-logger.js";
import type { InstanceAddress } from "./instance-address.js";
import { readNamingUrl } from "./naming-url.js";

/**
 * Every option, once: its check, its default and its documentation. The types of what is given and
 * of what is read are made from these.
 */

/** A request as Node's `http`, `https` and `http2` servers give it. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** A response as Node's `http`, `https` and `http2` servers give it. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/**
 * Methods, so that a function which takes only one kind of request is accepted. The schemas of them
 * have their types written out, because declarations that are inferred make functions of methods.
 */
interface Callbacks {
  /**
   * Header fields that only the host may set: who the client is. A client's fields of the same
   * names never arrive. Return a name with `undefined` when there is nobody, or list the names in
   * `edge.identityHeaders`. A `Response` (of fetch) refuses the request: it is what the client gets,
   * with at most 1 MiB of body, and the plugin is not asked. A throw, a rejection, a value of
   * another type or a promise that has not settled after 30 s is answered 500, a `ServeHTTPError`
   * with the code `unavailable` 503; the log says why. `client` says who has sent the request, with
   * what trusted proxies tell; `request.socket` is the connection itself.
   * `@servehttp/host-bridge/identity` has ready-made ones. Default: none.
   */
  identity(
    this: void,
    request: NodeRequest,
    client: RequestClient,
  ): IdentityFields | Response | Promise<IdentityFields | Response>;
  /**
   * What the host knows of the client beside the header space; becomes `request.context` in the
   * plugin. At most 64 entries and 16 KiB. A throw, a rejection, a value of another type or a
   * promise that has not settled after 30 s is answered 500, and the log says why. `client` is what
   * `identity` gets. Default: none.
   */
  context(
    this: void,
    request: NodeRequest,
    client: RequestClient,
  ): Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  /**
   * Tells where the plugin's instances are, from the call until the signal aborts. Each item is the
   * whole list: the host connects to addresses that are new in it, and lets what runs on those end
   * that are gone, or `terminating`. A list without any has requests wait, as while a plugin starts.
   * Where it throws or ends, the last list stays, and it is called again after a delay that grows
   * from 1 s to 30 s. A list that is no such list is refused, and the last one stays; the log says
   * what was wrong. `logger` is the host's, for records of the plugin.
   */
  discover(
    this: void,
    signal: AbortSignal,
    logger: Required<Logger>,
  ): AsyncIterable<readonly InstanceAddress[]>;
  /** Node's own listener, which the bridge leaves alone. */
  handler(this: void, request: NodeRequest, response: NodeResponse): unknown;
}

type Callback<Name extends keyof Callbacks> = z.ZodType<Callbacks[Name], Callbacks[Name]>;

const milliseconds = whole(0, timerMsMax);
const count = whole(1, 1_000_000);

const limitKeys = {
  /**
   * Exchanges at once, over all its instances. The host answers those beyond with 503 at once.
   * Default: 16,384.
   */
  maxInFlight: count.default(16_384),
  /** Tunnels (WebSockets and other hijacked connections) at once. Default: 4,096. */
  maxTunnels: count.default(4_096),
  /**
   * Requests at once that wait while the plugin starts or restarts. The host answers those beyond
   * with 503 at once; 0: none waits. Default: 1,024.
   */
  maxWaiting: whole(0, 1_000_000).default(1_024),
};

/** Bounds of one plugin. */
export interface Limits extends Read<typeof limitKeys> {}

/** The same, each of which may be left out. */
export interface LimitOptions extends Given<typeof limitKeys> {}

const timeoutKeys = {
  /**
   * From the last byte of the request that went to the plugin to the head of the response; 0: no
   * limit. Default: 60,000.
   */
  headMs: milliseconds.default(60_000),
  /**
   * Without any byte in either direction, once the head of the response is there; 0: no limit.
   * Default: 0, as for Node's own server: an event stream may say nothing for hours. That a client
   * is gone without a word is noticed by TCP keep-alive, after a minute.
   */
  idleMs: milliseconds.default(0),
  /** For the exchange as a whole; 0: no limit. Default: 0. */
  totalMs: milliseconds.default(0),
  /**
   * From spawning the plugin to its answer that it is ready; 1 or more. Time in which no processor
   * is free for it does not count. Default: 10,000.
   */
  startMs: whole(1, timerMsMax).default(10_000),
  /**
   * For a request that comes while the plugin starts or restarts; then it is answered 503. 0: at
   * once. Default: 5,000, which suits a restart of a second on a busy machine.
   */
  waitMs: milliseconds.default(5_000),
  /**
   * For exchanges in flight to finish when the plugin is stopped or reloaded; 0: at once. Default:
   * 10,000.
   */
  drainMs: milliseconds.default(10_000),
};

/** Times of one plugin in milliseconds, at most 2,147,483,647. */
export interface Timeouts extends Read<typeof timeoutKeys> {}

/** The same, each of which may be left out. */
export interface TimeoutOptions extends Given<typeof timeoutKeys> {}

const limits: z.ZodType<Limits, LimitOptions> = shape(limitKeys);
const timeouts: z.ZodType<Timeouts, TimeoutOptions> = shape(timeoutKeys);

const hostNames = "an array of host names, each once, without port, wildcard and dot at the end";

const mountKeys = {
  /**
   * Host names of the plugin's own, such as `"notes.example.org"`, where it is at `/`, as well as
   * under the prefix. Letter case, and the port in a request, make no difference. Default: none.
   */
  hosts: listOf(text('a host name such as "notes.example.org", in ASCII', isHostName), hostNames)
    .transform((hosts) => hosts.map((host) => host.toLowerCase()))
    .refine((hosts) => new Set(hosts).size === hosts.length, { error: hostNames })
    .default([]),
};

const sharedKeys = {
  ...mountKeys,
  /**
   * How exchanges travel. `"auto"`: mux where the plugin offers it, else stream. Default: `"auto"`.
   */
  carrier: oneOf("auto", "mux", "stream").default("auto"),
  /**
   * What the plugin sees of the path. `"stripped"`: what is behind its base path (`/plugins/notes`).
   * `"full"`: the whole path, for applications that have a base path of their own; `publicPath`
   * included. Default: `"stripped"`.
   */
  path: oneOf("stripped", "full").default("stripped"),
  /**
   * True: a redirect of the plugin to `/login`, or to that path of the client's own origin, gets the
   * base path in front, as does the Path of a cookie. For applications that know of no base path;
   * links in pages stay as they are. Not with `path: "full"`. Default: false.
   */
  rewriteRedirects: z.boolean("true or false").default(false),
  /**
   * True: GET and HEAD of the base path without a slash at the end (`/plugins/notes`) are answered
   * with a redirect to the one with a slash, so that relative links lead into the plugin. Not with
   * `path: "full"`. Default: false.
   */
  redirectToSlash: z.boolean("true or false").default(false),
  /**
   * Which instance gets the next exchange, where there are several (`instances`, several addresses):
   * session affinity, slow start, and when one that fails gets nothing for a while. Default: the less
   * busy one of two that are drawn at random; one that fails five times in a row is left out.
   */
  balance: balanceSchema.prefault({}),
  /** In place of the host's. */
  limits: limits.optional(),
  /** In place of the host's. */
  timeouts: timeouts.optional(),
};

/** What every plugin outside the host's process may set. */
export interface SharedPluginOptions extends Given<typeof sharedKeys> {}

const noNul = (given: string) => !given.includes("\0");
const argument = text("a string without NUL", noNul);
const commandLine = "an array of the program and its arguments";

const commandKeys = {
  /** The program and its arguments; no shell reads them. */
  command: listOf(argument, commandLine).refine(
    ([program]) => program !== undefined && program !== "",
    { error: commandLine },
  ),
  /** The working directory. Default: the host's. */
  cwd: text("a directory's path", (path) => path !== "" && noNul(path)).optional(),
  /**
   * Environment variables, beside the few that are passed on from the host's (PATH, HOME, LANG, TZ,
   * TMPDIR and the like) and those that the host sets (SERVEHTTP_…). Default: none.
   */
  env: z
    .record(
      text("a variable's name", (name) => name !== "" && !name.includes("=") && noNul(name)),
      argument,
      "an object of strings",
    )
    .readonly()
    .default({}),
  /** How many processes share the plugin's requests, 1 to 64. Default: 1. */
  instances: whole(1, 64).default(1),
  /** How the host reaches it: over a private unix socket. Default: `"unix"`, the only way so far. */
  connect: z.literal("unix", '"unix"; "fd" is not supported yet').default("unix"),
  /**
   * The ids of the plugins that it may call, by `plugins.fetch` of the plugin SDK. Its own id lets it
   * call itself. Calls reach plugins outside the host's own process. Default: none.
   */
  mayCall: listOf(text("a plugin's id", isPluginId), "an array of plugins' ids").default([]),
  ...sharedKeys,
};

/** A plugin that the host spawns and supervises, over a private unix socket. */
export interface CommandPluginOptions extends Given<typeof commandKeys, "command"> {}

/** A file's content, or several. */
const pem = value<NonNullable<ConnectionOptions["ca"]>>(
  "PEM, as a string or bytes, or an array of them",
  (given) => [given].flat().every((one) => typeof one === "string" || one instanceof Uint8Array),
  { type: ["string", "array"], items: { type: "string" } },
);

const pemFile = text("a file", (path) => path !== "" && noNul(path));

const tlsKeys = {
  /** Who may have signed the plugin's certificate. Default: the authorities that Node knows. */
  ca: pem.optional(),
  /** The host's own certificate, for mutual TLS. Default: none. */
  cert: pem.optional(),
  /** The key of `cert`. Default: none. */
  key: pem.optional(),
  /**
   * The file of `ca`, in place of it. All three are looked at for each new connection, so that one
   * that was replaced counts from then on. A file that is broken or half written changes nothing,
   * which the log says. Default: none.
   */
  caFile: pemFile.optional(),
  /**
   * The file of `cert`, in place of it, with the certificates between the host's and the authority's
   * behind the host's. Default: none.
   */
  certFile: pemFile.optional(),
  /** The file of `key`, in place of it. Default: none. */
  keyFile: pemFile.optional(),
  /** For a key that is encrypted. Default: none. */
  passphrase: text("a string", () => true).optional(),
  /**
   * The name that the host asks for (SNI), and that the plugin's certificate must have. Default: the
   * URL's host; behind `dns:` and `srv:` the name there.
   */
  servername: text("a host name", (name) => name !== "").optional(),
  /**
   * Names of which the plugin's certificate must have one, in place of `servername`: DNS names, and
   * SPIFFE IDs such as `"spiffe://example.org/ns/plugins/sa/search"`, `"spiffe://example.org/ns/*"`
   * for all below, and `"spiffe://example.org"` for a whole trust domain. Default: `servername` alone
   * counts.
   */
  subjectAltNames: z
    .array(text(subjectAltNameForms, isSubjectAltName), subjectAltNameForms)
    .min(1, subjectAltNameForms)
    .readonly()
    .optional(),
};

/**
 * TLS to a plugin. Names and meaning of `ca`, `cert`, `key`, `passphrase` and `servername` are those
 * of `node:tls`; all are those of the option `tls` of `servePlugin`.
 */
export interface TlsOptions extends Given<typeof tlsKeys> {}

const tls: z.ZodType<TlsOptions, TlsOptions> = shape(tlsKeys);

const namingForms = '"dns:///host:port" or "srv:///_service._proto.name"';
const pluginUrl = text(
  `${urlForms}, without path, query and credentials, or ${namingForms}`,
  (url) => isPluginUrl(url) || readNamingUrl(url) !== undefined,
);

const addressKeys = {
  /** The token that the plugin was started with (SERVEHTTP_TOKEN). Default: none. */
  token: text("visible ASCII characters", (token) => /^[!-~]+$/.test(token)).optional(),
  /**
   * For `https`, and for addresses that DNS tells, which are connected to by TLS where this is given;
   * with a certificate and key the host proves who it is (mTLS). Default: no certificate of its own, and
   * no TLS to addresses that DNS tells.
   */
  tls: tls.optional(),
  /**
   * What the plugin speaks: gRPC, or the Connect protocol over HTTP/2, for servers that have
   * nothing else. Connect is slower, and goes with the carrier `"stream"` only. Default: `"grpc"`.
   */
  protocol: oneOf("grpc", "connect").default("grpc"),
  ...sharedKeys,
};

/** What every plugin that somebody else runs may set. */
export interface AddressPluginOptions extends Given<typeof addressKeys> {}

const urlKeys = {
  /**
   * `"http://host:port"`, `"https://host:port"` or `"unix:/path"`: one instance.
   * `"dns:///host:port"`: an instance at each address that DNS has for the host.
   * `"srv:///_service._proto.name"`: one at each target that DNS has for the service, with weights
   * and priorities. Several share the plugin's requests.
   */
  url: z
    .union([pluginUrl, z.array(pluginUrl).min(1).readonly()], {
      error: `${urlForms}, ${namingForms}, or an array of them`,
    })
    .transform((url) => (typeof url === "string" ? [url] : url)),
  ...addressKeys,
};

/** A plugin that somebody else runs. */
export interface UrlPluginOptions extends Given<typeof urlKeys, "url"> {}

const discoverKey: { readonly discover: Callback<"discover"> } = { discover: callback() };
const discoverKeys = { ...discoverKey, ...addressKeys };

/** A plugin that somebody else runs, at addresses that the application tells. */
export interface DiscoverPluginOptions extends Given<typeof discoverKeys, "discover"> {}

const handlerKeys: { readonly handler: Callback<"handler"> } = { handler: callback() };

/** A plugin inside the host's process. */
export interface HandlerPluginOptions
  extends Given<typeof handlerKeys, "handler">, Given<typeof mountKeys> {}

/** One plugin: exactly one of `command`, `url`, `discover` and `handler`. */
export type PluginOptions =
  | CommandPluginOptions
  | UrlPluginOptions
  | DiscoverPluginOptions
  | HandlerPluginOptions;

/** A plugin's schema by the one key that says what kind it is. */
export const pluginSchemas = {
  command: shape(commandKeys),
  url: shape(urlKeys),
  discover: shape(discoverKeys),
  handler: shape({ ...handlerKeys, ...mountKeys }),
};

const developmentKeys = {
  /**
   * True: a 503 of the host tells why the plugin is not there: its state, its last failure and what
   * it said on standard error, as a page for browsers and as text for others. Anybody who can send a
   * request reads it. Default: false.
   */
  failurePages: z.boolean("true or false").default(false),
  /**
   * True: pages of plugins reload by themselves when the plugin is a new one. HTML that a browser
   * asks for to show it (by Accept and Sec-Fetch-Dest) gets a script at its end, and `Cache-Control:
   * no-store` in place of ETag and the like. Not touched: responses that are compressed
   * (Content-Encoding), in UTF-16 or UTF-32, to HEAD, or in parts (206). A page's
   * Content-Security-Policy stays as it is: it must allow scripts and connections of the page's own
   * origin. The host answers `/.servehttp/live` and `/.servehttp/live.js` of each plugin itself.
   * Default: false.
   */
  liveReload: z.boolean("true or false").default(false),
};

/** What is for whoever develops plugins, and for nobody else. */
export interface DevelopmentOptions extends Given<typeof developmentKeys> {}

/** A place to write text to, such as a stream. */
interface TextDestination {
  write(text: string): unknown;
}

const accessLogKeys = {
  /**
   * `"json"`: a record for each request, as pino writes them, with the names of OpenTelemetry's
   * semantic conventions. `"combined"`: a line as Apache and nginx write it. Default: `"json"`.
   */
  format: oneOf("json", "combined").default("json"),
  /** Which share of the requests is logged, 0 to 1; chance decides. Default: 1, all of them. */
  sample: value<number>(
    "a number from 0 to 1",
    (given) => typeof given === "number" && given >= 0 && given <= 1,
    { type: "number", minimum: 0, maximum: 1 },
  ).default(1),
  /** Only requests that took at least so long are logged. Default: 0, all of them. */
  slowerThanMs: milliseconds.default(0),
  /**
   * Where lines go: the path of a file, to which they are appended, and which is made anew where
   * another program moves it away; or an object with `write`, such as a stream. Default: the host's
   * logger for `"json"`, at level info, and standard output for `"combined"`.
   */
  to: value<string | TextDestination>(
    "a file's path, or an object with write",
    (given) =>
      (typeof given === "string" && given !== "" && noNul(given)) ||
      typeof (given as Partial<TextDestination> | null | undefined)?.write === "function",
    { type: "string" },
  ).optional(),
};

/** What the access log says, and where. */
export interface AccessLogOptions extends Given<typeof accessLogKeys> {}

/** The same, with every default filled in. */
export interface AccessLogSettings extends Read<typeof accessLogKeys> {}

export const accessLogSchema: z.ZodType<AccessLogSettings, AccessLogOptions> = shape(accessLogKeys);

/** @param none how one says that there is no such path */
const pathOption = (example: string, none: string) =>
  text(
    `"${none}", or a path such as "${example}", without a query: segments of letters, digits, ".", "_", "~" and "-"`,
    (path) => path === "/" || path === none || isPlainPath(path),
  ).transform((path) => (path.endsWith("/") ? path.slice(0, -1) : path));

const hostKeys = {
  /**
   * The plugins by their id: `[A-Za-z0-9_.-]+`, at most 128 characters, neither "." nor "..".
   * Default: none; `host.add` adds more later.
   */
  plugins: value<Readonly<Record<string, PluginOptions>>>(
    "an object of plugins by their ids",
    (given) => typeof given === "object" && given !== null && !Array.isArray(given),
    { type: "object" },
  ).default({}),
  /**
   * The path in front of the id. Segments of letters, digits, ".", "_", "~" and "-"; `"/"` when ids
   * come first. A mount path of a framework comes on top of it, or may be it. Default:
   * `"/plugins"`.
   */
  prefix: pathOption("/plugins", "/").default("/plugins"),
  /**
   * The path that clients send in front of `prefix` and that never comes to the host, because a
   * reverse proxy removes it: `"/app"`. It becomes part of each plugin's base path. A trusted
   * proxy's X-Forwarded-Prefix takes its place. Leave out the mount path of a framework, which the
   * host knows by itself. Default: `""`, none.
   */
  publicPath: pathOption("/app", "").default(""),
  /**
   * False: plugins are switched off, every request for one is answered 501, none is started.
   * Default: true.
   */
  enabled: z.boolean("true or false").default(true),
  /** What crosses the edge between clients and plugins. */
  edge: edgeSchema.prefault({}),
  /** Bounds for each plugin that sets none of its own. */
  limits: limits.prefault({}),
  /** Times for each plugin that sets none of its own. */
  timeouts: timeouts.prefault({}),
  /**
   * Where the host logs to, such as a pino logger; false: nowhere. Default: a pino logger on
   * standard output.
   */
  logger: value<Logger | false>(
    "a pino logger, another object with warn and error, or false",
    isLogger,
    { const: false },
  )
    .optional()
    .transform(hostLogger),
  /**
   * One line for each request for a plugin, when it is over: true, or what it says and where. Secret
   * query parameters (`edge.strip`) are never in it. Default: false.
   */
  accessLog: z
    .union([z.boolean(), accessLogSchema], {
      error: `true, false, or an object with some of ${Object.keys(accessLogKeys).join(", ")}`,
    })
    .default(false)
    .transform((given) => (given === true ? accessLogSchema.parse({}) : given || undefined)),
  /**
   * Where metrics go: a MeterProvider of OpenTelemetry's, such as that of `@servehttp/admin` or of
   * your SDK. Default: the global one, where one is registered before the host starts; else nothing
   * is measured.
   */
  meterProvider: value<MeterProvider>(
    "a MeterProvider of OpenTelemetry's",
    (given) => typeof (given as Partial<MeterProvider> | null | undefined)?.getMeter === "function",
  ).optional(),
  /**
   * What makes the spans of requests: a tracer provider of OpenTelemetry; false: nothing. Default:
   * the one that the process has registered when the host starts; where there is none, nothing.
   */
  tracerProvider: value<TracerProvider | false>(
    "a tracer provider of OpenTelemetry, or false",
    isTracerProvider,
    { const: false },
  ).optional(),
  /** For whoever develops plugins; leave it out where strangers come. */
  development: shape(developmentKeys).prefault({}),
  /** The largest chunk of a body, 1 to 65,536 bytes. Default: 65,536. */
  chunkBytes: whole(1, bodyChunkBytesMax).default(bodyChunkBytesMax),
};

const requestKeys: {
  readonly [Name in keyof Pick<Callbacks, "identity" | "context">]: z.ZodOptional<Callback<Name>>;
} = {
  identity: callback<Callbacks["identity"]>().optional(),
  context: callback<Callbacks["context"]>().optional(),
};

/** The options of `createPluginHost`. What is not named here is refused. */
export interface HostOptions extends Given<typeof hostKeys>, Given<typeof requestKeys> {}

export const hostSchema = shape({ ...hostKeys, ...requestKeys });

function isTracerProvider(given: unknown): boolean {
  return (
    given === false || typeof (given as Partial<TracerProvider> | null)?.getTracer === "function"
  );
}
