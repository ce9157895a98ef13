import type { RequestParts, ResponseParts } from "./parts.js";
import type { ServeHTTPError } from "./servehttp-error.js";

/**
 * The seam between an exchange and what carries it. The host sends `RequestParts` and receives
 * `ResponseParts`, the plugin the other way round; neither knows which carrier it runs on.
 *
 * Both methods that move parts return nothing while there is room, and a promise when there is none: back-pressure is
 * an `await`, and the common case pays for no promise.
 */

/** One end's way out: parts go to the other side. */
export interface ExchangeChannel<Out> {
  /**
   * Sends parts, which the carrier may merge with others of this exchange that still wait. Returns a promise where
   * the client is to wait before it sends more; it rejects with the reason when the exchange is given up meanwhile.
   * Does nothing after the exchange is over.
   *
   * The parts, and the bytes of a chunk, belong to the carrier from here on: it may add to the one, and nobody
   * changes the other.
   */
  send(parts: Out): void | Promise<void>;

  /**
   * Gives the exchange up, in both directions. The other side is told the error's code and nothing else that it
   * could show to anybody. Does nothing after the exchange is over.
   */
  reset(error: ServeHTTPError): void;
}

/** One end's way in: what the carrier calls. */
export interface PartReceiver<In> {
  /**
   * Takes parts that have passed the order check. Called one at a time: never while a promise that it returned
   * is pending. It must not throw; a promise must not reject.
   */
  receive(parts: In): void | Promise<void>;

  /**
   * The exchange was given up by the other side, or its connection was lost. The last call; never made after
   * `reset`, nor once both directions have ended. It may come while a promise of `receive` is pending.
   */
  abort(error: ServeHTTPError): void;
}

/** Accepts an exchange at the plugin: gets the way out for its response, returns the way in for its request. */
export type AcceptExchange = (
  channel: ExchangeChannel<ResponseParts>,
) => PartReceiver<RequestParts>;
