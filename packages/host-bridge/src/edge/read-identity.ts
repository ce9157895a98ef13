import { isFieldValue, ServeHTTPError, trimFieldValue } from "@servehttp/contract";
import { identityBytesMax, identityFieldsMax } from "../limits.js";
import { kindOf } from "./kind-of.js";

/** What `identity` returns. A name with the value undefined still keeps the client's field out. */
export type IdentityFields = Readonly<Record<string, string | readonly string[] | undefined>>;

/** What `identity` said, checked. */
export interface Identity {
  /** All names, those with the value undefined included. */
  readonly names: readonly string[];
  /** Name, value, name, value. */
  readonly fields: readonly string[];
}

/**
 * Checks what the host's `identity` function returned. Reads every property once. The names are
 * checked by `EdgePolicy.withIdentity`.
 *
 * @param identity what the function returned, whatever the type says
 * @throws ServeHTTPError `invalid-argument`, which says for which field what was given and what is
 *   allowed: header values are bytes, so text with characters above U+00FF must be encoded first
 */
export function readIdentity(identity: IdentityFields): Identity {
  if (
    typeof identity !== "object" ||
    identity === null ||
    Array.isArray(identity) ||
    Symbol.iterator in identity
  ) {
    throw invalid(`got ${kindOf(identity)}, allowed is an object of header names and their values`);
  }
  const names = Object.keys(identity);
  const fields: string[] = [];
  for (const name of names) {
    const value: unknown = identity[name];
    if (typeof value === "string") {
      pushValue(fields, name, value);
    } else if (Array.isArray(value)) {
      for (const one of value as readonly unknown[]) {
        pushValue(fields, name, one);
      }
    } else if (value !== undefined) {
      throw invalidValue(name, `is ${kindOf(value)}, ${allowedValue}`);
    }
  }
  return { names, fields: bounded(fields) };
}

const allowedValue = "allowed is a string, an array of strings, or undefined";

function pushValue(fields: string[], name: string, value: unknown): void {
  if (typeof value !== "string") {
    throw invalidValue(name, `is an array with ${kindOf(value)}, ${allowedValue}`);
  }
  const trimmed = trimFieldValue(value);
  if (!isFieldValue(trimmed)) {
    throw invalidValue(name, "holds a character that no header field may hold");
  }
  fields.push(name, trimmed);
}

/** A plugin takes more than the contract allows for a broken host, and closes the connection. */
function bounded(fields: readonly string[]): readonly string[] {
  if (fields.length > 2 * identityFieldsMax) {
    throw invalid(`${fields.length / 2} fields, where ${identityFieldsMax} are allowed`);
  }
  const bytes = fields.reduce((sum, text) => sum + text.length, 0);
  if (bytes > identityBytesMax) {
    throw invalid(`${bytes} bytes of fields, where ${identityBytesMax} are allowed`);
  }
  return fields;
}

function invalid(problem: string): ServeHTTPError {
  return new ServeHTTPError("invalid-argument", `identity: ${problem}`);
}

function invalidValue(name: string, problem: string): ServeHTTPError {
  const shown = name.length > 64 ? `${name.slice(0, 64)}…` : name;
  return invalid(`the value of ${JSON.stringify(shown)} ${problem}`);
}
