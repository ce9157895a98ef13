import type { FieldList, ServeHTTPError } from "@servehttp/contract";
import type { TraceContextFields } from "../edge/request-fields.js";
import type { RequestOutcome } from "./outcome.js";

/**
 * Watches the requests of a host. All its functions get the one object of their request, and may
 * keep something of theirs by it. They are called within the request, so they must be quick. What
 * they throw is logged, and changes nothing for the request.
 */
export interface RequestObserver {
  /** The host has read the head of a request. Nothing was sent to a plugin or answered. */
  began?(request: ObservedRequest): void;
  /** It waits for its plugin, which is not ready, or is replaced by another process. */
  waiting?(request: ObservedRequest): void;
  /** It goes to the plugin: the first time, or to another process after it was given back. */
  sent?(request: ObservedRequest): void;
  /**
   * It was given back, because no handler of the plugin's has seen it: the instance ends, takes no
   * more, or was never reached. It is sent once more, where there is a place for it.
   */
  givenBack?(request: ObservedRequest): void;
  /** The final head of the response goes to the client. */
  head?(request: ObservedRequest): void;
  /** The first byte of the response's body goes to the client. */
  bodyBegan?(request: ObservedRequest): void;
  /** The plugin has taken the client's connection over. */
  becameTunnel?(request: ObservedRequest): void;
  /** It is over: the last call, and the only one that is always made after `began`. */
  over?(request: ObservedRequest): void;
}

/** Ids of the span that stands for a request, by W3C Trace Context. */
export interface RequestTrace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Whether the span is recorded. */
  readonly sampled: boolean;
}

/** One request of a host's, as far as it has come. Its properties change until it is over. */
export interface ObservedRequest {
  /** The plugin that it is for; undefined where the host has no such plugin. */
  readonly pluginId: string | undefined;
  /** The id in the host's log and in the plugin; undefined where the host answers at once. */
  readonly requestId: string | undefined;
  /** As the client sent it. */
  readonly method: string;
  /** Path and query as the client sent them, without the secret parameters (`edge.strip`). */
  readonly target: string;
  /**
   * In front of the plugin's own "/", as the client sent it, such as `"/plugins/notes"`; empty at
   * the root of a host name; undefined where the request has not passed the edge.
   */
  readonly basePath: string | undefined;
  /** The scheme in which the client addressed the host, or the first of the trusted proxies. */
  readonly scheme: "http" | "https";
  /** The host that the client has addressed; empty where it named none. */
  readonly host: string;
  /** The client's `"ip:port"`, as trusted proxies and the connection tell; empty where unknown. */
  readonly clientAddress: string;
  /** `"1.0"`, `"1.1"` or `"2"`. */
  readonly httpVersion: string;
  /** The plugin that has made the request in place of a client. */
  readonly calledBy: string | undefined;
  /** The id of the client's trace, where an observer has set it. */
  trace: RequestTrace | undefined;
  /** What it says of the trace that it belongs to; undefined for nothing, or where it was refused. */
  readonly traceContext: TraceContextFields | undefined;
  /**
   * Where an observer has set it in `began`: the `traceparent`, `tracestate` and `baggage` that the
   * plugin gets in place of those that came; name, value, name, value.
   */
  traceFields: FieldList | undefined;
  /** When it began, in milliseconds, as `performance.now()` says. */
  readonly startedMs: number;
  /** How long it has waited for its plugin so far, in milliseconds. */
  readonly waitedMs: number;
  /** How often the plugin has given it back. */
  readonly timesGivenBack: number;
  /**
   * The status that the client got; for a tunnel 101, or 200 on HTTP/2; undefined while it has none, and for good where
   * the client left first.
   */
  readonly status: number | undefined;
  /** From the start to the final head, in milliseconds. */
  readonly headMs: number | undefined;
  /** From the start to the end, in milliseconds; undefined until it is over. */
  readonly totalMs: number | undefined;
  /** Bytes of its body, or of the tunnel, that went to the plugin. */
  readonly requestBytes: number;
  /**
   * Bytes of the response's body, or of the tunnel, that went to the client. Not counted for a
   * plugin that is a handler in the host's own process.
   */
  readonly responseBytes: number;
  readonly isTunnel: boolean;
  /** Undefined until it is over. */
  readonly outcome: RequestOutcome | undefined;
  /** Why it failed. */
  readonly error: ServeHTTPError | undefined;
  /**
   * The first value of a field of the request.
   *
   * @param name in lower case
   */
  field(name: string): string | undefined;
  /** Breaks it off, with the error's code as its outcome. Does nothing where it isn't sent, or over. */
  stop(reason: ServeHTTPError): void;
}
