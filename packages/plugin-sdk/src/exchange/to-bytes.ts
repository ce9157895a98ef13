import { ServeHTTPError } from "@servehttp/contract";

/**
 * A chunk of a response as bytes; strings become UTF-8.
 *
 * @throws ServeHTTPError `invalid-argument` for anything else
 */
export function toBytes(chunk: Uint8Array | string): Uint8Array {
  if (typeof chunk === "string") {
    return Buffer.from(chunk, "utf8");
  }
  if (chunk instanceof Uint8Array) {
    return chunk;
  }
  throw new ServeHTTPError(
    "invalid-argument",
    `a chunk is a Uint8Array or a string, not ${chunk === null ? "null" : typeof chunk}`,
  );
}
