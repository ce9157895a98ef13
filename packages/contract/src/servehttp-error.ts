/**
 * Why something failed, for programs. A closed set: what can't be named here is `internal`.
 *
 * | code | meaning |
 * |---|---|
 * | `client-left` | the HTTP client went away |
 * | `deadline` | a time ran out: head, idle, total, start |
 * | `host-stopping` | the host is stopping or removed the plugin |
 * | `plugin-closing` | the plugin is closing and its grace ran out |
 * | `handler-failed` | the plugin's handler threw, or answered something impossible |
 * | `protocol-violation` | the other side broke the rules of the contract |
 * | `broken-order` | the plugin's parts came in an order that the contract does not allow |
 * | `connection-failed` | no connection to the plugin could be made |
 * | `connection-lost` | the connection to the other side broke |
 * | `request-not-needed` | the plugin has answered in full and takes no more of the request |
 * | `unavailable` | the plugin is not running, restarting, draining or given up |
 * | `overload` | a limit on exchanges at once is reached |
 * | `not-a-plugin` | what answers at the address is no plugin, or speaks no version that we speak |
 * | `unauthenticated` | the token is missing or wrong |
 * | `bad-request` | the client's request can't be passed on |
 * | `body-too-large` | a body went over the limit of `bytes()`, `text()` or `json()` |
 * | `already-read` | the body was read before |
 * | `already-ended` | a write after the end of the response |
 * | `already-committed` | the head has gone out |
 * | `already-hijacked` | the connection was taken over before |
 * | `hijack-not-possible` | this client's connection can't be taken over |
 * | `invalid-argument` | a value passed to this library is not allowed |
 * | `internal` | anything else: a defect |
 */
export type ErrorCode =
  | "client-disconnected"
  | "deadline"
  | "host-stopping"
  | "plugin-closing"
  | "handler-failed"
  | "protocol-violation"
  | "broken-order"
  | "connection-failed"
  | "connection-lost"
  | "request-not-needed"
  | "unavailable"
  | "overload"
  | "not-a-plugin"
  | "unauthenticated"
  | "bad-request"
  | "body-too-large"
  | "already-read"
  | "already-ended"
  | "already-committed"
  | "already-hijacked"
  | "hijack-not-possible"
  | "invalid-argument"
  | "internal";

/**
 * The one error of servehttp. `code` is for programs, `message` for people; `cause` stays in the process
 * in which it happened and never travels.
 */
export class ServeHTTPError extends Error {
  override readonly name = "ServeHTTPError";

  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /**
   * Makes a ServeHTTPError of anything thrown: itself if it is one, else one of the given code (default
   * `internal`) with the thrown value as its cause.
   */
  static from(thrown: unknown, code: ErrorCode = "internal"): ServeHTTPError {
    if (thrown instanceof ServeHTTPError) {
      return thrown;
    }
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new ServeHTTPError(code, message, { cause: thrown });
  }
}
