import type { FieldList, Memo } from "@servehttp/contract";

/** What the host knows of a request apart from its header section. */
export interface ClientFacts {
  readonly versionMajor: number;
  readonly versionMinor: number;
  /**
   * Whoever has connected: its IP address, `"unix"` where it has connected to a unix socket, empty
   * where it is not known any more.
   */
  readonly peer: string;
  /** The same as `"ip:port"`; empty where there is no address. */
  readonly remoteAddress: string;
  readonly scheme: "http" | "https";
  /** The authority in the request target, which takes precedence over the Host field. */
  readonly authority: string | undefined;
  /**
   * HTTP/2: the stream ended with its header section. On HTTP/1 framing fields say whether there is
   * a body.
   */
  readonly endedByHead: boolean;
  /** In front of the plugin's own "/", as far as the host knows by itself. Empty at the root. */
  readonly basePath: string;
  /** The part of `basePath` whose place a trusted proxy's X-Forwarded-Prefix takes. */
  readonly publicPath: string;
  /** The request came by the server's `upgrade` event, so its connection can be handed over. */
  readonly upgradable: boolean;
  /**
   * The fields that say who forwarded the request, where another exchange has settled them. Those of
   * the section don't count then.
   */
  readonly forwarded?: FieldList | undefined;
}

/** What a request says of the trace that it belongs to, by W3C Trace Context and Baggage. */
export interface TraceContextFields {
  /** Its fields `traceparent`, `tracestate` and `baggage`: name, value, name, value. */
  readonly fields: FieldList;
  /** Whether it is believed. */
  readonly isTrusted: boolean;
}

/** What a request's header section says. */
export interface RequestFields {
  readonly kind: "fields";
  /** What goes to the plugin: name, value, name, value. */
  readonly fields: FieldList;
  /** There where the same list goes to the plugin again and again. */
  readonly fieldsMemo?: Memo;
  /** There where the same section comes again and again: for what is repeated in lines of a log. */
  readonly lineMemo?: { made: unknown };
  /** Undefined where it says nothing. What is trusted is in `fields`, too. */
  readonly traceContext: TraceContextFields | undefined;
  readonly host: string;
  /** The client's `"ip:port"`, as far as trusted proxies and the connection tell. */
  readonly remoteAddress: string;
  /** The scheme in which the client addressed the host, or the first of the trusted proxies. */
  readonly scheme: "http" | "https";
  /** The client has a connection of its own to the host: no proxy that is trusted brings it. */
  readonly direct: boolean;
  /** In front of the plugin's own "/", as the client sent it. Empty at the root. */
  readonly basePath: string;
  /** The length of the body in bytes; -1 when it is not known in advance. */
  readonly contentLength: number;
  /** A Content-Length of 0 was sent, which `fields` does not have. */
  readonly emptyBodyDeclared: boolean;
  /** The client waits for a 100 (Continue) before it sends its body. `fields` has its Expect. */
  readonly expectContinue: boolean;
  /**
   * The protocol that the client may upgrade to, in lower case. Then `fields` has Connection and
   * Upgrade.
   */
  readonly upgrade: string | undefined;
  /** The client said `TE: trailers`. */
  readonly trailersWanted: boolean;
}
