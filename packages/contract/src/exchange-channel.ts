import type { RequestParts, ResponseParts } from "./parts.js";
import type { ServeHTTPError } from "./servehttp-error.js";

/**
 * The interface between an exchange and its carrier. The host sends `RequestParts` and receives
 * `ResponseParts`, the plugin the other way round. Neither end knows which carrier it runs on.
 *
 * Both methods that move parts return nothing while there is room, and a promise when there is
 * none. So back-pressure is an `await`, and the usual case costs no promise.
 */

/** What an end of an exchange sends by. */
export interface ExchangeChannel<Out> {
  /**
   * Sends parts. The carrier may merge them with parts of this exchange that still wait. Returns a
   * promise where the sender is to wait before it sends more; the promise rejects with the reason
   * when the exchange is given up meanwhile. Does nothing after the exchange is over.
   *
   * The parts belong to the carrier from here on, and it may add to them. Nobody may change the
   * bytes of a chunk any more.
   */
  send(parts: Out): void | Promise<void>;

  /**
   * Gives the exchange up, in both directions. Of the error, the other end is told only the code,
   * and the message of a `protocol-violation`. Does nothing after the exchange is over.
   */
  reset(error: ServeHTTPError): void;
}

/** What an end of an exchange receives by. The carrier calls it. */
export interface PartReceiver<In> {
  /**
   * Takes parts whose order was checked. Called one at a time: never while a promise that it
   * returned is pending. It must not throw, and its promise must not reject.
   */
  receive(parts: In): void | Promise<void>;

  /**
   * The other end gave the exchange up, or the connection was lost. This is the last call. It is
   * never made after `reset`, nor once both directions have ended. It may come while a promise of
   * `receive` is pending.
   *
   * @param unsent there where no handler has seen anything of the exchange, which is proved and not
   *   guessed: it may be sent on another channel
   */
  abort(error: ServeHTTPError, unsent?: Unsent): void;
}

/**
 * What was sent in an exchange of which no handler has seen anything: all of it, in order, or
 * `"not-kept"` where the carrier has it no more. Whoever has sent it may still have it.
 */
export type Unsent = readonly RequestParts[] | "not-kept";

/**
 * Accepts an exchange at the plugin. It gets what the response is sent by, and returns what
 * receives the request.
 */
export type AcceptExchange = (
  channel: ExchangeChannel<ResponseParts>,
) => PartReceiver<RequestParts>;
