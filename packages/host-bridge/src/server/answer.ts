import type { ServeHTTPError } from "@servehttp/contract";
import type { ClientResponse } from "../client/client-response.js";
import type { IncomingRequest } from "../client/incoming-request.js";
import { failureOf } from "../exchange/failure.js";
import { failureResponse } from "../exchange/failure-response.js";
import type { WatchedRequest } from "../observation/watched-request.js";

/**
 * Answers in the plugin's place, before there is an exchange. Does nothing where something else has
 * answered or the client has left. Throws what middleware around the response throws.
 */
export function answer(
  request: IncomingRequest,
  status: number,
  proxyError: string,
  retryAfterSeconds?: number,
  observed?: WatchedRequest,
): void {
  if (request.closed) {
    return;
  }
  const response = openAnswer(request, observed);
  const { head, body } = failureResponse(
    {
      status,
      proxyError,
      ...(retryAfterSeconds === undefined ? undefined : { retryAfterSeconds }),
    },
    request.method === "HEAD",
  );
  response.respond(head, body, []);
  if (!request.body.complete) {
    response.discardRequestBody();
  }
}

/** Opens the response to a request that the host itself answers. */
export function openAnswer(
  request: IncomingRequest,
  observed: WatchedRequest | undefined,
): ClientResponse {
  const response = request.openResponse(request.entry.event === "checkContinue");
  return observed === undefined ? response : observed.open(response);
}

/**
 * Answers what the code of an error says.
 *
 * @param retrySeconds for Retry-After, in place of what the code says
 */
export function answerFailure(
  request: IncomingRequest,
  error: ServeHTTPError,
  retrySeconds?: number,
  observed?: WatchedRequest,
): void {
  const { outcome, proxyError, retryAfterSeconds, status = 503 } = failureOf(error);
  answer(request, status, proxyError, retrySeconds ?? retryAfterSeconds, observed);
  observed?.answered(outcome, error);
}
