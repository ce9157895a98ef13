import type { ExchangeErrorCode, ServeHTTPError } from "@servehttp/contract";
import type { Outcome } from "../observation/outcome.js";

/** What a failure means for the client and for the metrics. */
export interface Failure {
  /** The status while no head has gone out; undefined: nothing is written at all. */
  readonly status: 500 | 502 | 503 | 504 | undefined;
  /** The outcome while no head has gone out. */
  readonly outcome: Outcome;
  /** The outcome once the head has gone out; the transfer is then broken, whatever the code. */
  readonly outcomeAfterHead: Outcome;
  /** An error type of RFC 9209, section 2.3. */
  readonly proxyError: string;
  /** The value of a Retry-After field, in seconds. */
  readonly retryAfterSeconds?: number;
}

/**
 * The one table of what each failure means. 500: the plugin is alive and at fault. 502: it is lost,
 * or it broke the protocol. 503: it is not running, draining, or over a limit. 504: it is too slow.
 */
export const failures: Readonly<Record<ExchangeErrorCode, Failure>> = {
  "client-disconnected": failure(
    undefined,
    "client-disconnected",
    "client-disconnected",
    "http_request_error",
  ),
  deadline: failure(504, "deadline", "deadline", "http_response_timeout"),
  "host-stopping": failure(503, "host-stopping", "host-stopping", "destination_unavailable", 1),
  "plugin-closing": failure(503, "unavailable", "lost-after-head", "destination_unavailable", 1),
  "handler-failed": failure(500, "plugin-error", "plugin-error", "http_response_incomplete"),
  "protocol-violation": failure(
    502,
    "protocol-violation",
    "protocol-violation",
    "http_protocol_error",
  ),
  "broken-order": failure(500, "protocol-violation", "protocol-violation", "http_protocol_error"),
  "connection-failed": failure(502, "lost-before-head", "lost-after-head", "connection_refused"),
  "connection-lost": failure(502, "lost-before-head", "lost-after-head", "connection_terminated"),
  unavailable: failure(503, "unavailable", "lost-after-head", "destination_unavailable", 1),
  overload: failure(503, "overload", "overload", "connection_limit_reached", 1),
  "not-a-plugin": failure(502, "protocol-violation", "protocol-violation", "http_protocol_error"),
  unauthenticated: failure(502, "lost-before-head", "lost-after-head", "proxy_configuration_error"),
  // Of a plugin that says so though it has not answered.
  "request-not-needed": failure(500, "plugin-error", "plugin-error", "http_response_incomplete"),
  internal: failure(500, "plugin-error", "plugin-error", "proxy_internal_error"),
};

/** What an error means that ended an exchange. One that no exchange ends with is a defect of the host's. */
export function failureOf({ code }: ServeHTTPError): Failure {
  return Object.hasOwn(failures, code) ? failures[code as ExchangeErrorCode] : failures.internal;
}

/** The error type of RFC 9209 for a request that the host answers without asking a plugin. */
export function refusalProxyError(status: number): string {
  switch (status) {
    case 404:
      return "destination_not_found";
    case 501:
    case 503:
      return "destination_unavailable";
    case 508:
      return "proxy_loop_detected";
    default:
      return "http_request_error";
  }
}

/**
 * The value of a Proxy-Status field (RFC 9209, section 2): that the host answered in the plugin's
 * place, and why.
 *
 * @param proxyError an error type of RFC 9209, section 2.3
 */
export function proxyStatus(proxyError: string): string {
  return `servehttp; error=${proxyError}`;
}

/** The text that the client gets: what the status means, without details. */
export function failureText(status: number): string {
  return `${failureTexts.get(status) ?? "The request failed."}\n`;
}

const failureTexts: ReadonlyMap<number, string> = new Map([
  [400, "The request is malformed."],
  [404, "Not found."],
  [408, "The request came too slowly."],
  [414, "The request target is too long."],
  [417, "The expectation can't be met."],
  [431, "The request's header section is too large."],
  [500, "The plugin failed."],
  [501, "Not implemented."],
  [502, "The plugin gave no valid response."],
  [503, "The plugin is not available at the moment."],
  [504, "The plugin took too long."],
  [508, "Plugins call each other in a loop."],
]);

function failure(
  status: Failure["status"],
  outcome: Outcome,
  outcomeAfterHead: Outcome,
  proxyError: string,
  retryAfterSeconds?: number,
): Failure {
  const row = { status, outcome, outcomeAfterHead, proxyError };
  return retryAfterSeconds === undefined ? row : { ...row, retryAfterSeconds };
}
