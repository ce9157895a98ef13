import type { HeaderList } from "./header-list.js";
import type { PluginCalls } from "./plugin-calls.js";
import type { RequestLog } from "./request-log.js";

/** How much `bytes()`, `text()` and `json()` hold. */
export interface BufferOptions {
  /** The longest body that is read, in bytes, 0 or more. Default: 1,048,576 (1 MiB). */
  readonly limitBytes?: number;
}

/** A request, as a handler reads it. */
export interface PluginRequest {
  /** The method in its own letter case: `"GET"`. */
  readonly method: string;

  /**
   * Path and query as the plugin sees them, at least `/`. The host has removed `basePath`, unless
   * its option `path` is `"full"`, and its secret query parameters; escapes stay as the client sent
   * them. One character a byte.
   */
  readonly url: string;

  /**
   * Where clients find the plugin: `"/plugins/notes"`, with whatever proxies and frameworks in front
   * of the host have removed, no slash at the end. A link to the plugin's page `/x` is
   * `${basePath}/x`. Empty where the plugin is at the root, under a host name of its own. One
   * character a byte.
   */
  readonly basePath: string;

  /**
   * Path and query as the client sent them: `basePath` and `url`, or `url` alone where that begins
   * with `basePath` (the host's option `path` is `"full"`). As the `originalUrl` of Connect and
   * Express, it has no slash at the end where the client has sent `basePath` alone.
   */
  readonly originalUrl: string;

  /**
   * The request target as it came to the host (RFC 9112, section 3.2), without the host's secret
   * query parameters. One character a byte.
   */
  readonly requestUri: string;

  /** The client's protocol: `"HTTP/1.0"`, `"HTTP/1.1"` or `"HTTP/2.0"`. */
  readonly protocol: string;

  /** The major number of the client's protocol: 1 or 2. */
  readonly protocolMajor: number;

  /** The minor number of the client's protocol: 0 or 1. */
  readonly protocolMinor: number;

  /**
   * How the client addressed the host, or the proxy in front of it that the host trusts: `"http"`
   * or `"https"`.
   */
  readonly scheme: "http" | "https";

  /** The client's `Host` or `:authority`. It is not among `headers`. May be empty (HTTP/1.0). */
  readonly host: string;

  /**
   * The client's address, `"ip:port"`, IPv6 in brackets. Port 0 where a proxy that the host trusts
   * tells the address and no port. Empty where nobody knows an address (a unix socket).
   */
  readonly remoteAddress: string;

  /**
   * The id of the client's connection to the host: requests with the same id came by the same one,
   * perhaps at the same time, as on HTTP/2. No other connection has it, at any host. Undefined where
   * the connection is not the client's own, but that of a proxy that the host trusts or of a plugin
   * that calls; and with a host that does not tell it. 1 to 128 visible ASCII characters.
   */
  readonly connectionId: string | undefined;

  /**
   * The header section without `Host`, hop-by-hop and framing fields. Changes of this list have no
   * effect elsewhere.
   */
  readonly headers: HeaderList;

  /**
   * The declared length of the body in bytes: 0 for a request without a body, undefined where it is
   * not known.
   */
  readonly contentLength: number | undefined;

  /**
   * Whether the client waits for a 100 (Continue) before it sends the body (RFC 9110, section
   * 10.1.1). The first read of the body sends it.
   */
  readonly expectContinue: boolean;

  /**
   * The body, chunk by chunk, each of 1 byte to 64 KiB. It can be read once. The client is slowed
   * down to the pace of the reader. Leaving the loop discards the rest of the body.
   *
   * The iteration throws a ServeHTTPError: `already-read` at a second use; the reason of `signal`
   * when the upload was cut off or the exchange was given up, so that an end is always the whole
   * body; `request-not-needed` after the response has ended; `already-committed` where the client
   * waits for a 100 (Continue) and the response has begun without one.
   */
  readonly body: AsyncIterable<Uint8Array>;

  /**
   * Reads the whole body.
   *
   * @throws ServeHTTPError as `body` does, and `body-too-large` where the body is longer than the
   *   limit, the rest of which is then discarded; `invalid-argument` for a limit that is no number
   *   of bytes
   */
  bytes(options?: BufferOptions): Promise<Uint8Array>;

  /**
   * Reads the whole body as UTF-8. A byte order mark is removed, and bytes that are not UTF-8
   * become U+FFFD.
   *
   * @throws ServeHTTPError as `bytes` does
   */
  text(options?: BufferOptions): Promise<string>;

  /**
   * Reads the whole body and parses it as JSON.
   *
   * @throws ServeHTTPError as `bytes` does
   * @throws SyntaxError for a body that is not JSON
   */
  json(options?: BufferOptions): Promise<unknown>;

  /**
   * The trailer section (RFC 9110, section 6.5). It settles after the body, so read the body first.
   * It rejects with what the body throws; a rejection that nothing handles does no harm.
   */
  readonly trailers: Promise<HeaderList>;

  /**
   * Aborts when the exchange is given up. The reason is a ServeHTTPError whose `code` says why:
   * `client-disconnected`, `deadline`, `host-stopping`, `plugin-closing`, `connection-lost`, or
   * `handler-failed` where the handler did something that makes the exchange fail. It does not
   * abort when the response has ended well.
   */
  readonly signal: AbortSignal;

  /**
   * Whether `hijack()` can take over the client's connection: the host allows it, and the
   * connection carries no other requests.
   */
  readonly hijackable: boolean;

  /** When the host gives up the exchange as a whole, and `signal` aborts. Undefined for never. */
  readonly deadline: Date | undefined;

  /** The host's name for this exchange in its logs, 1 to 128 visible ASCII characters. */
  readonly id: string;

  /**
   * What the host knows of the client beside the header section: user, tenant, locale. No header
   * can forge it. At most 64 entries and 16 KiB.
   */
  readonly context: Readonly<Record<string, string>>;

  /**
   * The id of the plugin that made this request by a call; undefined where a client made it. No
   * header and no plugin can forge it. The rest of the request says who the client is of the
   * exchange within which the call was made.
   */
  readonly calledBy: string | undefined;

  /** Calls other plugins of the host, on behalf of this exchange's client. */
  readonly plugins: PluginCalls;

  /** The log of this request: its records say which request, and which trace, they belong to. */
  readonly log: RequestLog;
}
