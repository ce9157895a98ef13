import { channel } from "node:diagnostics_channel";
import type { IncomingMessage, Server, ServerResponse } from "node:http";

/**
 * Calls a server's listeners of the event that a server of Node's emits for this request. Says
 * whether there was one.
 *
 * As there, a request that expects something else than 100-continue, for which there is no
 * listener, is answered with 417 (RFC 9110, section 10.1.1). A 100 (Continue) goes out when the
 * body is first read, not at once.
 *
 * @param hasExpectation whether the request has the field Expect
 */
export function emitRequest(
  server: Server,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  hasExpectation: boolean,
): boolean {
  publish(server, incoming, outgoing);
  // Node makes an object of the headers when it is asked for one, which listeners need not do.
  const expect = hasExpectation ? incoming.headers.expect : undefined;
  if (expect === undefined || incoming.httpVersionMinor === 0) {
    return server.emit("request", incoming, outgoing);
  }
  if (expectsContinue.test(expect)) {
    const event = server.listenerCount("checkContinue") > 0 ? "checkContinue" : "request";
    return server.emit(event, incoming, outgoing);
  }
  if (!server.emit("checkExpectation", incoming, outgoing)) {
    outgoing.writeHead(417);
    outgoing.end();
  }
  return true;
}

/** Tells tracing libraries of the request, as a server of Node's does. */
function publish(server: Server, request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  if (requestStart.hasSubscribers) {
    requestStart.publish({ request, response, socket, server });
  }
  if (responseFinish.hasSubscribers) {
    response.once("finish", () => responseFinish.publish({ request, response, socket, server }));
  }
}

const requestStart = channel("http.server.request.start");
const responseFinish = channel("http.server.response.finish");

/** As in Node's `_http_common`. */
const expectsContinue = /(?:^|\W)100-continue(?:$|\W)/i;
