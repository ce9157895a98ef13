import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Logger } from "pino";
import type { EdgeOptions } from "../edge/edge-options.js";
import type { IdentityFields } from "../edge/edge-policy.js";

/** A request as Node's `http`, `https` and `http2` servers give it. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** A response as Node's `http`, `https` and `http2` servers give it. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** The options of `createPluginHost`. What is not named here is refused. */
export interface HostOptions {
  /**
   * The plugins by their id: `[A-Za-z0-9_.-]+`, at most 128 characters, neither "." nor "..". Default: none; `host.add` adds
   * more later.
   */
  readonly plugins?: Readonly<Record<string, PluginOptions>>;
  /**
   * The path in front of the id. Segments of letters, digits, ".", "_", "~" and "-"; `"/"` when ids come first. A mount path of
   * a framework comes on top of it, or may be it. Default: `"/plugins"`.
   */
  readonly prefix?: string;
  /** False: plugins are switched off, every request for one is answered 501, none is started. Default: true. */
  readonly enabled?: boolean;
  /**
   * Header fields that only the host may set: who the client is. A client's fields of the same names never arrive. Return
   * a name with `undefined` when there is nobody, or list the names in `edge.identityHeaders`. A throw or a rejection
   * is answered 500. Default: none.
   */
  identity?(this: void, request: NodeRequest): IdentityFields | Promise<IdentityFields>;
  /**
   * What the host knows of the client beside the header space; becomes `request.context` in the plugin. At most 64 entries and
   * 16 KiB. A throw or a rejection is answered 500. Default: none.
   */
  context?(
    this: void,
    request: NodeRequest,
  ): Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  /** What crosses the edge between clients and plugins. */
  readonly edge?: EdgeOptions;
  /** Bounds for each plugin that sets none of its own. */
  readonly limits?: Partial<Limits>;
  /** Times for each plugin that sets none of its own. */
  readonly timeouts?: Partial<Timeouts>;
  /** Where the host logs to; false: nowhere. Default: a pino logger on standard output. */
  readonly logger?: Logger | false;
  /** The largest chunk of a body, 1 to 65,536 bytes. Default: 65,536. */
  readonly chunkBytes?: number;
}

/** One plugin: exactly one of `command`, `url` and `handler`. */
export type PluginOptions = CommandPluginOptions | UrlPluginOptions | HandlerPluginOptions;

/** What every plugin outside the host's process may set. */
export interface SharedPluginOptions {
  /** How exchanges travel. `"auto"`: mux where the plugin offers it, else stream. Default: `"auto"`. */
  readonly carrier?: "auto" | "mux" | "stream";
  /** In place of the host's. */
  readonly limits?: Partial<Limits>;
  /** In place of the host's. */
  readonly timeouts?: Partial<Timeouts>;
}

/** A plugin that the host spawns and supervises, over a private unix socket. */
export interface CommandPluginOptions extends SharedPluginOptions {
  /** The program and its arguments; no shell reads them. */
  readonly command: readonly string[];
  /** The working directory. Default: the host's. */
  readonly cwd?: string;
  /**
   * Environment variables, beside the few that are passed on from the host's (PATH, HOME, LANG, TZ, TMPDIR and the like) and
   * those that the host sets (SERVEHTTP_…). Default: none.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** How many processes share the plugin's requests, 1 to 64. Default: 1. */
  readonly instances?: number;
  /** How the host reaches it: over a private unix socket. Default, and the only way so far: `"unix"`. */
  readonly connect?: "unix";
}

/** A plugin that somebody else runs. */
export interface UrlPluginOptions extends SharedPluginOptions {
  /** `"http://host:port"`, `"https://host:port"` or `"unix:/path"`; several share the plugin's requests. */
  readonly url: string | readonly string[];
  /** The token that the plugin was started with (SERVEHTTP_TOKEN). Default: none. */
  readonly token?: string;
  /** For `https` only; with `cert` and `key` the host proves who it is (mTLS). PEM. */
  readonly tls?: TlsOptions;
}

/** TLS to a plugin; the meaning is that of Node's `tls.connect`. */
export interface TlsOptions {
  readonly ca?: string | Uint8Array;
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** The name to check the plugin's certificate against. Default: the URL's host. */
  readonly servername?: string;
}

/** A plugin inside the host's process: Node's own listener, which the bridge leaves alone. */
export interface HandlerPluginOptions {
  handler(this: void, request: NodeRequest, response: NodeResponse): unknown;
}

/** Bounds of one plugin, each 1 or more. */
export interface Limits {
  /** Exchanges at once, over all its instances; what comes on top is answered 503 at once. Default: 16,384. */
  readonly maxInFlight: number;
  /** Tunnels (WebSockets and other hijacked connections) at once. Default: 4,096. */
  readonly maxTunnels: number;
}

/** Times of one plugin in milliseconds, at most 2,147,483,647. */
export interface Timeouts {
  /** From the last byte of the request that went to the plugin to the head of the response; 0: no limit. Default: 60,000. */
  readonly headMs: number;
  /** Without any byte in either direction; 0: no limit. Default: 120,000. */
  readonly idleMs: number;
  /** For the exchange as a whole; 0: no limit. Default: 0. */
  readonly totalMs: number;
  /** From spawning the plugin to its answer that it is ready; 1 or more. Default: 10,000. */
  readonly startMs: number;
  /** For exchanges in flight to finish when the plugin is stopped or reloaded; 0: at once. Default: 10,000. */
  readonly drainMs: number;
}

/** The defaults of every option that has one, but those of `edge`, which are with `EdgePolicy`. */
export const optionDefaults = {
  prefix: "/plugins",
  enabled: true,
  chunkBytes: 65_536,
  carrier: "auto",
  instances: 1,
  connect: "unix",
  limits: { maxInFlight: 16_384, maxTunnels: 4_096 } satisfies Limits,
  timeouts: {
    headMs: 60_000,
    idleMs: 120_000,
    totalMs: 0,
    startMs: 10_000,
    drainMs: 10_000,
  } satisfies Timeouts,
} as const;
