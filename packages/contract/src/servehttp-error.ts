import { loggableError } from "./loggable-error.js";

/**
 * Why an exchange, or the connection that carries it, failed. What can't be named here is
 * `internal`.
 *
 * | code | meaning |
 * |---|---|
 * | `client-disconnected` | the HTTP client went away |
 * | `deadline` | a time ran out: head, idle, total, start |
 * | `host-stopping` | the host is stopping or removed the plugin, or its operator broke the exchange off |
 * | `plugin-closing` | the plugin is closing and its grace period ran out |
 * | `handler-failed` | the plugin's handler threw, or answered something impossible |
 * | `protocol-violation` | the other end broke the rules of the contract |
 * | `broken-order` | the plugin's parts came in an order that the contract does not allow |
 * | `connection-failed` | no connection to the plugin could be made |
 * | `connection-lost` | the connection to the other end broke |
 * | `request-not-needed` | the plugin has answered in full and takes no more of the request |
 * | `unavailable` | the plugin is not running, restarting, draining or failed |
 * | `overload` | a limit on exchanges at once is reached |
 * | `not-a-plugin` | no plugin answers at the address, or one that speaks none of our versions |
 * | `unauthenticated` | the token is missing or wrong |
 * | `internal` | anything else: a defect |
 */
export type ExchangeErrorCode =
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
  | "internal";

/**
 * What a program that calls this library did wrong. The call throws or rejects with it. It never
 * ends an exchange by itself and never travels.
 *
 * | code | meaning |
 * |---|---|
 * | `body-too-large` | a body went over the limit of `bytes()`, `text()` or `json()` |
 * | `already-read` | the body was read before |
 * | `already-ended` | a write after the end of the response |
 * | `already-committed` | the head was sent before |
 * | `already-hijacked` | the connection was taken over before |
 * | `hijack-not-possible` | this client's connection can't be taken over |
 * | `call-refused` | the host makes no such call to another plugin; the message says what to do |
 * | `invalid-argument` | a value passed to this library is not allowed |
 */
export type UsageErrorCode =
  | "body-too-large"
  | "already-read"
  | "already-ended"
  | "already-committed"
  | "already-hijacked"
  | "hijack-not-possible"
  | "call-refused"
  | "invalid-argument";

/** Why something failed, for programs. A closed set. */
export type ErrorCode = ExchangeErrorCode | UsageErrorCode;

/**
 * The one error class of servehttp. `code` is for programs, `message` for people. `cause` stays in
 * the process where it happened and never travels.
 *
 * `instanceof` also holds for an error of another installed copy of this package.
 */
export class ServeHTTPError extends Error {
  override readonly name = "ServeHTTPError";

  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /**
   * Makes a ServeHTTPError of anything thrown. Returns a ServeHTTPError as it is; anything else
   * becomes the cause of one with the given code (default `internal`). Never throws.
   */
  static from(thrown: unknown, code: ErrorCode = "internal"): ServeHTTPError {
    return thrown instanceof ServeHTTPError
      ? thrown
      : new ServeHTTPError(code, loggableError(thrown).message, { cause: thrown });
  }

  static override [Symbol.hasInstance](value: unknown): value is ServeHTTPError {
    try {
      return (
        Function.prototype[Symbol.hasInstance].call(this, value) ||
        (this === ServeHTTPError &&
          value instanceof Error &&
          value.name === "ServeHTTPError" &&
          "code" in value &&
          typeof value.code === "string")
      );
    } catch {
      // A proxy or a getter threw when it was asked.
      return false;
    }
  }
}
