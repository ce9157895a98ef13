import type { IncomingMessage } from "node:http";

/**
 * The length of the body of an HTTP/1 request in bytes: 0 where it has none; undefined where it is
 * not known in advance.
 */
export function bodyLengthOf(request: IncomingMessage): number | undefined {
  const { "content-length": length = "0", "transfer-encoding": coding } = request.headers;
  return coding === undefined ? Number(length) : undefined;
}
