import { ServeHTTPError } from "@servehttp/contract";

/** A chunk as bytes, strings as UTF-8. Throws a ServeHTTPError `invalid-argument` for anything else. */
export function toOctets(chunk: Uint8Array | string): Uint8Array {
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
