import { loggableError, ServeHTTPError } from "@servehttp/contract";
import type { IncomingRequest } from "../client/incoming-request.js";
import { type Failure, failures } from "../exchange/failure.js";
import type { WatchedRequest } from "../observation/watched-request.js";
import { answer } from "./answer.js";

/** A failure of code that runs in the host's process and is not the host's: it threw, or returned what can't be used. */
export interface HostFault {
  /** What happened, for the log. */
  readonly message: string;
  /** A copy that any logger can write. */
  readonly err: Error;
  /** The id of the plugin that the request was for. */
  readonly plugin: string;
  /** Undefined for a request that was never given one. */
  readonly requestId: string | undefined;
}

/** Called for every `HostFault`. It must not throw. */
export type OnHostFault = (fault: HostFault) => void;

/**
 * Answers 500 to a request over a fault of the host's application, or breaks a response that has
 * begun, and reports the fault. Never throws.
 *
 * @param failure what to answer in place of 500
 */
export function failRequest(
  request: IncomingRequest,
  onHostFault: OnHostFault,
  fault: Omit<HostFault, "err">,
  thrown: unknown,
  failure: Failure = failures.internal,
  observed?: WatchedRequest,
): void {
  const { proxyError, retryAfterSeconds, status = 500 } = failure;
  try {
    answer(request, status, proxyError, retryAfterSeconds, observed);
  } catch {
    // Middleware around the response threw, too.
    request.openResponse(false).break();
  }
  observed?.over("host-error", ServeHTTPError.from(thrown));
  onHostFault({ ...fault, err: loggableError(thrown) });
}
