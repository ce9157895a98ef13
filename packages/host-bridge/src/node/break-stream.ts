import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { isBun } from "../client/is-bun.js";

/**
 * Begins a response that `breakStream` can reset: on Node, one that waits for trailers. Without a
 * body there is nothing to wait for.
 *
 * @param onLast is called behind the last byte, and sends the trailers, be they none
 */
export function beginStream(
  stream: ServerHttp2Stream,
  fields: OutgoingHttpHeaders,
  onLast: () => void,
  hasBody = true,
): void {
  // Node's own response object would answer the event with trailers of its own.
  stream.removeAllListeners("wantTrailers");
  stream.once("wantTrailers", onLast);
  stream.respond(fields, { waitForTrailers: hasBody });
}

/**
 * Resets a stream whose response is not whole, and never with code 0, which some clients take for a
 * complete one. On Node, `beginStream` has to have begun the response: else it is ended.
 */
export function breakStream(stream: ServerHttp2Stream): void {
  if (isBun) {
    // Its `close` ends the response, and resets the stream only while the request is open (1.4.5).
    stream.once("error", () => undefined);
    stream.destroy(new Error("the response was broken off"));
  } else {
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
}
