import { inspect } from "node:util";
import { ServeHTTPError } from "@servehttp/contract";
import { z } from "zod";

/**
 * Makes one readable line of what zod found: the option's path, what was given, what is allowed. It
 * describes the first problem, and counts the others.
 *
 * @param at where the value stands in the options of `createPluginHost`
 * @param given the whole value that was checked
 */
export function optionError(
  error: z.ZodError,
  at: readonly PropertyKey[],
  given: unknown,
): ServeHTTPError {
  const [issue] = error.issues;
  const more = error.issues.length > 1 ? ` (and ${error.issues.length - 1} more)` : "";
  if (issue === undefined) {
    return invalidOption(at, given, "something else");
  }
  if (issue.code === "unrecognized_keys") {
    const path = [...at, ...issue.path, issue.keys[0] ?? ""];
    return new ServeHTTPError("invalid-argument", `${pathText(path)}: ${issue.message}${more}`);
  }
  let value = given;
  for (const key of issue.path) {
    value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
  }
  const within = issue.code === "invalid_union" && isObject(value) && issueWithin(issue.errors);
  if (within) {
    return optionError(new z.ZodError(within), [...at, ...issue.path], value);
  }
  return invalidOption([...at, ...issue.path], value, issue.message, more);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Of what may be given in several forms, the problem within the form that was meant: an object. */
function issueWithin(forms: z.core.$ZodIssueInvalidUnion["errors"]) {
  return forms.find(
    ([first]) =>
      first !== undefined && (first.path.length > 0 || first.code === "unrecognized_keys"),
  );
}

/** The error for one option: `timeouts.headMs: got "1s", allowed is …`. */
export function invalidOption(
  path: readonly PropertyKey[],
  given: unknown,
  allowed: string,
  more = "",
): ServeHTTPError {
  return new ServeHTTPError(
    "invalid-argument",
    `${pathText(path)}: got ${valueText(given, path)}, allowed is ${allowed}${more}`,
  );
}

function pathText(path: readonly PropertyKey[]): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "number") {
      text += `[${key}]`;
    } else if (/^[A-Za-z_][\w-]*$/.test(String(key))) {
      text += text === "" ? String(key) : `.${String(key)}`;
    } else {
      text += `[${shortened(JSON.stringify(String(key)))}]`;
    }
  }
  return text === "" ? "options" : text;
}

/** Options whose values are secrets, or may contain some. */
const secretOptions: ReadonlySet<PropertyKey> = new Set([
  "token",
  "key",
  "cert",
  "ca",
  "passphrase",
  "env",
]);

function valueText(value: unknown, path: readonly PropertyKey[]): string {
  if (typeof value === "function") {
    return "a function";
  }
  if (Array.isArray(value)) {
    return value.length === 0 ? "an empty array" : "an array";
  }
  if (typeof value === "object" && value !== null) {
    return "an object";
  }
  if (value !== undefined && path.some((key) => secretOptions.has(key))) {
    return `a ${typeof value}`;
  }
  // JSON has no text for undefined, NaN, Infinity, symbols and bigints.
  return typeof value === "string" ? shortened(JSON.stringify(value)) : inspect(value);
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
