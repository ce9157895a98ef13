import type { IncomingRequest } from "../client/incoming-request.js";
import type { RequestFields } from "../edge/request-fields.js";
import type { WatchedRequest } from "../observation/watched-request.js";
import type { Route } from "../routing/route.js";
import { openAnswer } from "./answer.js";

/**
 * Whether a request for the bare base path is answered by a redirect: a GET or HEAD, but no upgrade,
 * because clients of WebSockets follow none.
 */
export function wantsSlash(
  { method, entry }: IncomingRequest,
  route: Route,
  { upgrade }: RequestFields,
): boolean {
  return (
    route.needsSlash &&
    (method === "GET" || method === "HEAD") &&
    upgrade === undefined &&
    entry.event !== "upgrade"
  );
}

/** Redirects the client to the base path with a slash, and keeps the query. */
export function redirectToSlash(
  request: IncomingRequest,
  basePath: string,
  { url }: Route,
  observed: WatchedRequest | undefined,
): void {
  if (request.closed) {
    return;
  }
  const response = openAnswer(request, observed);
  const head = {
    status: 301,
    fields: ["Location", basePath + url, "Content-Length", "0"],
    contentLength: 0,
    bodyAllowed: request.method !== "HEAD",
    announcesTrailers: false,
  };
  response.respond(head, undefined, []);
  if (!request.body.complete) {
    response.discardRequestBody();
  }
}
