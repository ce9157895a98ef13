import { contextBytesMax, contextEntriesMax, ServeHTTPError } from "@servehttp/contract";

/** What the host's `context` function returns. */
export type RequestContext = Readonly<Record<string, string>>;

/** A context without entries. */
export const noContext: RequestContext = Object.freeze({});

/**
 * Checks what the host's `context` function returned, before it becomes part of a message to the
 * plugin.
 *
 * @throws ServeHTTPError `invalid-argument` for a value that is no string, or more than the
 *   contract allows
 */
export function checkContext(context: RequestContext): void {
  if (context === noContext) {
    return;
  }
  const names = Object.keys(context);
  if (names.length > contextEntriesMax) {
    const message = `context: ${names.length} entries, where ${contextEntriesMax} are allowed`;
    throw new ServeHTTPError("invalid-argument", message);
  }
  let bytes = 0;
  for (const name of names) {
    const value: unknown = context[name];
    if (typeof value !== "string") {
      const message = `context: the value of ${JSON.stringify(name)} is no string`;
      throw new ServeHTTPError("invalid-argument", message);
    }
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  if (bytes > contextBytesMax) {
    const message = `context: ${bytes} bytes, where ${contextBytesMax} are allowed`;
    throw new ServeHTTPError("invalid-argument", message);
  }
}
