import { hopByHopNames } from "@servehttp/contract";

/**
 * What a field means to the host. `forwarded`: Forwarded, every X-Forwarded field, and X-Real-IP.
 * `trace-context`: those of W3C Trace Context and Baggage.
 */
export type SpecialKind =
  | "connection"
  | "content-length"
  | "cookie"
  | "expect"
  | "forwarded"
  | "host"
  | "referer"
  | "te"
  | "trace-context"
  | "transfer-encoding"
  | "upgrade";
export type RequestKind = "keep" | "drop" | SpecialKind;

/** What decides what a field means. */
export interface FieldKindOptions {
  /** Referer fields are read, because they may hold secret parameters. */
  readonly readsReferer: boolean;
  /** Forwarded fields and their like are read. */
  readonly readsForwarded: boolean;
}

/** What a field of a request means to the host, by `comparableName`. */
export function fieldKind(name: string, options: FieldKindOptions): RequestKind {
  switch (name) {
    case "connection":
    case "content-length":
    case "cookie":
    case "expect":
    case "host":
    case "te":
    case "transfer-encoding":
    case "upgrade":
      return name;
    case "referer":
      return options.readsReferer ? name : "keep";
    case "traceparent":
    case "tracestate":
    case "baggage":
      return "trace-context";
    case "trailer":
      // It announces trailers, and these are passed on.
      return "keep";
    case "proxy":
      // A CGI-like plugin would read it as HTTP_PROXY and send its own requests there (httpoxy).
      return "drop";
    default:
      if (options.readsForwarded && (isForwarded(name) || name === "x-real-ip")) {
        return "forwarded";
      }
      return hopByHopNames.has(name) ? "drop" : "keep";
  }
}

/** Whether a field frames or routes messages. No option gives it another meaning. */
export function isHostsOwn(name: string): boolean {
  return (
    name === "host" || name === "content-length" || name === "expect" || hopByHopNames.has(name)
  );
}

/** Whether a field says who forwarded a request. */
export function isForwarded(name: string): boolean {
  return name === "forwarded" || name.startsWith("x-forwarded-");
}
