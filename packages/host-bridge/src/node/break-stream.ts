import { constants, type Http2Stream } from "node:http2";
import { isBun } from "../client/is-bun.js";

/**
 * Resets a stream whose response is not whole, and never with code 0, which some clients take for a
 * complete one. On Node, the response has to have begun with `waitForTrailers`: else it is ended.
 */
export function breakStream(stream: Http2Stream): void {
  if (isBun) {
    // Its `close` ends the response, and resets the stream only while the request is open (1.4.5).
    stream.once("error", () => undefined);
    stream.destroy(new Error("the response was broken off"));
  } else {
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
}
