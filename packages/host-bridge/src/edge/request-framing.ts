import { listElements } from "../syntax/connection-options.js";
import { type Refusal, refusal } from "./refusal.js";
import { isValidHost } from "../syntax/valid-host.js";

interface Version {
  readonly versionMajor: number;
  readonly versionMinor: number;
}

/** The host that the request is for, or a refusal. */
export function effectiveHost(
  host: string | undefined,
  authority: string | undefined,
  client: Version,
): string | Refusal {
  if (
    client.versionMajor > 1 &&
    host !== undefined &&
    authority !== undefined &&
    host !== authority
  ) {
    return refusal(400, "Host and :authority differ");
  }
  if (host === undefined && client.versionMajor === 1 && client.versionMinor > 0) {
    return refusal(400, "no Host");
  }
  if (
    (host !== undefined && !isValidHost(host)) ||
    (authority !== undefined && !isValidHost(authority))
  ) {
    return refusal(400, "an invalid Host");
  }
  return authority ?? host ?? "";
}

/**
 * The declared length of a request's body (RFC 9112, section 6.3): -1 when it is not known in
 * advance, or a refusal where the framing is ambiguous or the host does not support it.
 */
export function bodyLength(
  contentLength: number | undefined,
  codings: string | undefined,
  client: Version & { readonly endedByHead: boolean },
): number | Refusal {
  if (codings === undefined) {
    if (contentLength !== undefined) {
      return contentLength;
    }
    return client.versionMajor === 1 || client.endedByHead ? 0 : -1;
  }
  if (client.versionMajor > 1 || client.versionMinor === 0) {
    return refusal(400, "Transfer-Encoding in a version of HTTP that has none");
  }
  if (contentLength !== undefined) {
    return refusal(400, "both Content-Length and Transfer-Encoding");
  }
  if (codings.toLowerCase() === "chunked") {
    return -1;
  }
  const other = listElements(codings).some((coding) => coding.toLowerCase() !== "chunked");
  return other
    ? refusal(501, "a transfer coding other than chunked")
    : refusal(400, "an empty Transfer-Encoding, or chunked more than once");
}
