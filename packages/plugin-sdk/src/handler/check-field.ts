import { STATUS_CODES } from "node:http";
import {
  fieldNameBytesMax,
  isFieldValue,
  isReasonPhrase,
  isToken,
  reasonPhraseBytesMax,
  ServeHTTPError,
  trimFieldValue,
} from "@servehttp/contract";

/**
 * The value of a header field as it may go out: a string without white space at its ends. A number
 * becomes its decimal digits, as in Node.
 *
 * @throws ServeHTTPError `invalid-argument` for a name or a value that HTTP does not allow (RFC
 *   9110, sections 5.1 and 5.5)
 */
export function checkedValue(name: string, value: unknown): string {
  if (typeof name !== "string" || name.length > fieldNameBytesMax || !isToken(name)) {
    throw invalid(
      `${quoted(name)} is no header name: a name is 1 to ${fieldNameBytesMax} letters, digits or characters of ` +
        "!#$%&'*+-.^_`|~",
    );
  }
  if (typeof value === "number") {
    return String(value);
  }
  if (typeof value !== "string") {
    throw invalid(
      `the value of header ${name} is ${value === null ? "null" : `of type ${typeof value}`}: values are strings or numbers`,
    );
  }
  const trimmed = trimFieldValue(value);
  if (!isFieldValue(trimmed)) {
    throw invalid(`the value of header ${name} ${valueProblem(trimmed)}`);
  }
  return trimmed;
}

/**
 * A reason phrase that may go out; undefined for the usual one of the status, and for an empty one.
 */
export function checkedReason(status: number, reason: string): string | undefined {
  if (reason === "" || reason === STATUS_CODES[status]) {
    return undefined;
  }
  if (!isReasonPhrase(reason)) {
    throw new ServeHTTPError(
      "invalid-argument",
      `a reason phrase has at most ${reasonPhraseBytesMax} characters up to U+00FF, none of them a control character`,
    );
  }
  return reason;
}

function valueProblem(value: string): string {
  for (let i = 0; i < value.length; i += 1) {
    const code = value.charCodeAt(i);
    if (code > 0xff) {
      return (
        `holds ${codePoint(code)} at ${i}: a value has one character a byte, up to U+00FF; ` +
        `for UTF-8 give Buffer.from(value, "utf8").toString("latin1")`
      );
    }
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) {
      return `holds ${codePoint(code)} at ${i}: control characters are not allowed`;
    }
  }
  return `is not allowed: ${quoted(value)}`;
}

function codePoint(code: number): string {
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

function quoted(text: unknown): string {
  return JSON.stringify(String(text).slice(0, 60));
}

function invalid(message: string): ServeHTTPError {
  return new ServeHTTPError("invalid-argument", message);
}
