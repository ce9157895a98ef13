import type { ResponseHead } from "../edge/response-head.js";
import { type Failure, failureText, proxyStatus } from "./failure.js";

/** An answer that the host itself has made. */
export interface FailureResponse {
  readonly head: ResponseHead;
  readonly body: Buffer;
}

/** Makes the host's own answer in place of a plugin's. */
export function failureResponse(
  failure: Pick<Failure, "proxyError" | "retryAfterSeconds"> & { readonly status: number },
  isHead: boolean,
): FailureResponse {
  const body = Buffer.from(failureText(failure.status));
  const fields = [
    "Content-Type",
    "text/plain; charset=utf-8",
    "X-Content-Type-Options",
    "nosniff",
    "Content-Length",
    String(body.length),
    "Proxy-Status",
    proxyStatus(failure.proxyError),
  ];
  if (failure.retryAfterSeconds !== undefined) {
    fields.push("Retry-After", String(failure.retryAfterSeconds));
  }
  const head = {
    status: failure.status,
    fields,
    contentLength: body.length,
    bodyAllowed: !isHead,
    announcesTrailers: false,
  };
  return { head, body };
}
