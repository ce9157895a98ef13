import type { IncomingRequest } from "../client/incoming-request.js";
import { proxyStatus, refusalProxyError } from "../exchange/failure.js";

/**
 * Answers a call that is not made. The field Servehttp-Call, which no plugin's response can have,
 * tells the calling plugin so.
 *
 * @param why what to do, for people: visible ASCII characters and blanks
 */
export function refuseCall(request: IncomingRequest, status: number, why: string): void {
  const body = Buffer.from(`${why}\n`);
  const head = {
    status,
    fields: [
      "Content-Type",
      "text/plain; charset=utf-8",
      "Servehttp-Call",
      why,
      "Proxy-Status",
      proxyStatus(refusalProxyError(status)),
    ],
    bodyAllowed: request.method !== "HEAD",
    contentLength: undefined,
    announcesTrailers: false,
  };
  const response = request.openResponse(request.entry.event === "checkContinue");
  response.respond(head, body, []);
  if (!request.body.complete) {
    response.discardRequestBody();
  }
}
