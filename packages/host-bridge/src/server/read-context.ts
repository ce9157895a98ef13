import { contextBytesMax, contextEntriesMax, ServeHTTPError } from "@servehttp/contract";
import { kindOf } from "../edge/kind-of.js";

/** What the host's `context` function returns. */
export type RequestContext = Readonly<Record<string, string>>;

/** A context without entries. */
export const noContext: RequestContext = Object.freeze({});

/**
 * Checks what the host's `context` function returned, and copies it: every property is read once,
 * so what is checked is what goes to the plugin.
 *
 * @param context what the function returned, whatever the type says; undefined and null are none
 * @throws ServeHTTPError `invalid-argument`, which says for which entry what was given and what is
 *   allowed
 */
export function readContext(context: RequestContext | null | undefined): RequestContext {
  if (context === undefined || context === null) {
    return noContext;
  }
  if (typeof context !== "object" || Array.isArray(context) || Symbol.iterator in context) {
    throw invalid(`got ${kindOf(context)}, allowed is an object of strings`);
  }
  const names = Object.keys(context);
  if (names.length > contextEntriesMax) {
    throw invalid(`${names.length} entries, where ${contextEntriesMax} are allowed`);
  }
  // Without a prototype, so that no name means anything but itself.
  const copy = Object.create(null) as Record<string, string>;
  let bytes = 0;
  for (const name of names) {
    const value: unknown = context[name];
    if (typeof value !== "string") {
      const shown = JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name);
      throw invalid(`the value of ${shown} is no string`);
    }
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
    copy[name] = value;
  }
  if (bytes > contextBytesMax) {
    throw invalid(`${bytes} bytes, where ${contextBytesMax} are allowed`);
  }
  return copy;
}

function invalid(problem: string): ServeHTTPError {
  return new ServeHTTPError("invalid-argument", `context: ${problem}`);
}
