import type { HeaderList } from "./header-list.js";

/** How much `bytes()`, `text()` and `json()` hold. */
export interface BufferOptions {
  /** In bytes; default 1 MiB (1,048,576). */
  readonly limitBytes?: number;
}

/** A request, as a handler reads it. */
export interface PluginRequest {
  /** The method in its own letter case: `"GET"`. */
  readonly method: string;

  /**
   * Path and query as the plugin sees them, `/` at least: the host has removed its prefix and its secret query parameters;
   * escapes stay as the client sent them. One character a byte.
   */
  readonly url: string;

  /** The request target as the client sent it, less the host's secret query parameters. */
  readonly requestUri: string;

  /** The client's protocol: `"HTTP/1.0"`, `"HTTP/1.1"` or `"HTTP/2.0"`. */
  readonly protocol: string;

  /** 1 or 2. */
  readonly protocolMajor: number;

  /** 0 or 1. */
  readonly protocolMinor: number;

  /** How the client addressed the host: `"http"` or `"https"`. */
  readonly scheme: "http" | "https";

  /** The client's `Host` or `:authority`; it is not among `headers`. May be empty (HTTP/1.0). */
  readonly host: string;

  /** The client's transport address, `"ip:port"`, IPv6 in brackets; empty where it has none (a unix socket). */
  readonly remoteAddress: string;

  /** The header section, without `Host`, hop-by-hop and framing fields. Changing it changes nothing elsewhere. */
  readonly headers: HeaderList;

  /** The declared length of the body in bytes, 0 for a request without one, undefined where it is not known. */
  readonly contentLength: number | undefined;

  /** Whether the client waits for a 100 (Continue) before it sends the body. The first read of the body sends it. */
  readonly expectContinue: boolean;

  /**
   * The body, chunk by chunk, 1 byte to 64 KiB each; single use. The client is slowed down to the pace of this
   * reader. Leaving the loop says that no more is needed: the rest is taken and dropped.
   *
   * The iteration throws a ServeHTTPError: `already-read` at a second use; the reason of `signal` when the body was cut off
   * or the exchange given up, never a clean end; `request-not-needed` after the response has ended;
   * `already-committed` where the client waits for a 100 (Continue) and the response has begun without one.
   */
  readonly body: AsyncIterable<Uint8Array>;

  /**
   * The whole body. Throws what `body` throws, and `body-too-large` where it is longer than the limit; the rest
   * is then taken and dropped.
   */
  bytes(options?: BufferOptions): Promise<Uint8Array>;

  /** The whole body as UTF-8 text, a byte order mark removed, wrong bytes replaced. Throws what `bytes` throws. */
  text(options?: BufferOptions): Promise<string>;

  /** The whole body, parsed as JSON. Throws what `bytes` throws, and a SyntaxError for what is no JSON. */
  json(options?: BufferOptions): Promise<unknown>;

  /**
   * The trailer section, settled after the body: read the body first. Rejects with what the body throws; nobody
   * needs to listen.
   */
  readonly trailers: Promise<HeaderList>;

  /**
   * Aborts when the exchange is given up. The reason is a ServeHTTPError whose `code` says why: `client-left`, `deadline`,
   * `host-stopping`, `plugin-closing`, `connection-lost`, or `handler-failed` after an impossible status. It does not
   * abort when the response ended well.
   */
  readonly signal: AbortSignal;

  /** When the host gives up on the exchange as a whole (and `signal` aborts); undefined for never. */
  readonly deadline: Date | undefined;

  /** The host's name for this exchange in its logs. */
  readonly id: string;

  /** What the host knows of the client beside the header section: user, tenant, locale. No header can forge it. */
  readonly context: Readonly<Record<string, string>>;
}
