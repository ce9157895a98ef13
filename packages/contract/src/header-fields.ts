import {
  fieldCountMax,
  fieldNameBytesMax,
  fieldSectionBytesMax,
  reasonPhraseBytesMax,
} from "./limits.js";
import type { FieldList } from "./parts.js";

/*
 * The rules for header fields that both ends share. Every field of every message passes through
 * here. V8's regular expressions are as fast as a table of characters on names, and faster on
 * values: 8 names and values of a browser's request take 0.45 us, with tables 0.64 us (Node 24).
 */

/** RFC 9110, section 5.6.2. */
const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * Characters that no field value may hold (RFC 9110, section 5.5); every byte from 0x80 on is
 * allowed.
 */
const outsideValuePattern = /[^\t\x20-\x7e\x80-\xff]/;

const tab = 0x09;
const space = 0x20;

/**
 * Whether `text` is a token (RFC 9110, section 5.6.2), as methods and field names are. At least one
 * character.
 */
export function isToken(text: string): boolean {
  return tokenPattern.test(text);
}

/**
 * Whether `text` is a field value as a `FieldList` may hold it: Latin-1, no control character but
 * tab, no white space at either end (RFC 9110, section 5.5). May be empty.
 *
 * White space at the ends is not part of a value: Go's and Node's parsers remove it from what they
 * read, and Go removes it from what a handler sets. `trimFieldValue` removes it from values that
 * people wrote.
 */
export function isFieldValue(text: string): boolean {
  const { length } = text;
  return (
    length === 0 ||
    (!isBlank(text.charCodeAt(0)) &&
      !isBlank(text.charCodeAt(length - 1)) &&
      !outsideValuePattern.test(text))
  );
}

/**
 * Whether `text` may be the reason phrase of a response (RFC 9112, section 4): Latin-1, no control
 * character but tab, 1 to 256 bytes.
 */
export function isReasonPhrase(text: string): boolean {
  const { length } = text;
  return length > 0 && length <= reasonPhraseBytesMax && !outsideValuePattern.test(text);
}

/**
 * Removes spaces and tabs from both ends of a value, as Go's `net/http` does when it writes a
 * header. Nothing else: `isFieldValue` is to refuse a line break at the end.
 */
export function trimFieldValue(text: string): string {
  let begin = 0;
  let end = text.length;
  while (begin < end && isBlank(text.charCodeAt(begin))) {
    begin += 1;
  }
  while (end > begin && isBlank(text.charCodeAt(end - 1))) {
    end -= 1;
  }
  return begin === 0 && end === text.length ? text : text.slice(begin, end);
}

/**
 * What is wrong with a list of header fields, in words for a log, or undefined if nothing is. The
 * first bad field is named by its name, never by its value. Checked are pairs, names (`isToken`, at
 * most 256 bytes), values (`isFieldValue`), the number of fields (`fieldCountMax`) and the size of
 * all (`fieldSectionBytesMax`).
 */
export function fieldProblem(fields: FieldList): string | undefined {
  const { length } = fields;
  if (length > 2 * fieldCountMax) {
    return `${Math.ceil(length / 2)} header fields: allowed are ${fieldCountMax}`;
  }
  if (length % 2 !== 0) {
    return "a header field without a value";
  }
  let bytes = 0;
  for (let index = 0; index < length; index += 2) {
    const name = fields[index] as string;
    const value = fields[index + 1] as string;
    if (!isToken(name) || name.length > fieldNameBytesMax) {
      return `header field name ${quote(name)}: allowed are 1 to ${fieldNameBytesMax} token characters`;
    }
    if (!isFieldValue(value)) {
      return `header field ${quote(name)}: its value ${valueProblem(value)}`;
    }
    bytes += name.length + value.length + fieldOverheadBytes;
  }
  return bytes > fieldSectionBytesMax
    ? `${bytes} bytes of header fields: allowed are ${fieldSectionBytesMax}`
    : undefined;
}

/**
 * The most that a field takes on the wire beside its name and value: tag and length of the field,
 * of its name and of its value.
 */
export const fieldOverheadBytes = 12;

/**
 * The form in which names are compared: lower case, and `_` as `-`, because a CGI-like plugin can't
 * tell `X_User_Id` from `X-User-Id`.
 */
export function comparableName(name: string): string {
  const lowerCase = name.toLowerCase();
  return lowerCase.includes("_") ? lowerCase.replaceAll("_", "-") : lowerCase;
}

/**
 * Fields that concern one connection and are never passed on, by `comparableName`: those of RFC
 * 9110, section 7.6.1, the proxy's own authentication, `HTTP2-Settings` (RFC 7540, section 3.2.1),
 * and `Proxy-Connection` and `Keep-Alive`, which are still in use though no standard has them any
 * more. The fields that a `Connection` field names are removed as well. `Upgrade` and `TE:
 * trailers` have uses that the host's edge decides on.
 */
export const hopByHopNames: ReadonlySet<string> = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  // Between a plugin and its host, where it calls other plugins (plugin.proto).
  "servehttp-call",
  "servehttp-exchange",
  "servehttp-token",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Fields that a trailer section must not hold, by `comparableName`: those that frame, route,
 * authenticate, modify the request, control the response or describe the content's form (RFC 9110,
 * section 6.5.1), and cookies. Go's `httpguts.ValidTrailerHeader` refuses most of them. The others
 * are of the kinds that RFC 7230, section 4.1.2, names, or common proxies route by them. See
 * `isForbiddenTrailer`.
 */
export const forbiddenTrailerNames: ReadonlySet<string> = new Set([
  ...hopByHopNames,
  // Framing and routing.
  "alt-svc",
  "content-length",
  "forwarded",
  "host",
  "max-forwards",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-real-ip",
  // Modifiers of the request. `isForbiddenTrailer` refuses all that begin with "if-".
  "cache-control",
  "expect",
  "pragma",
  "range",
  // Authentication and cookies.
  "authentication-info",
  "authorization",
  "cookie",
  "cookie2",
  "realm",
  "set-cookie",
  "set-cookie2",
  "www-authenticate",
  // Control of the response.
  "age",
  "date",
  "expires",
  "location",
  "retry-after",
  "vary",
  "warning",
  // How to read the content.
  "content-encoding",
  "content-range",
  "content-type",
]);

/** Whether a trailer section must not hold the field: `forbiddenTrailerNames`, and every `If-…`. */
export function isForbiddenTrailer(name: string): boolean {
  const comparable = comparableName(name);
  return forbiddenTrailerNames.has(comparable) || comparable.startsWith("if-");
}

function isBlank(code: number): boolean {
  return code === space || code === tab;
}

function valueProblem(value: string): string {
  return isFieldValue(trimFieldValue(value))
    ? "begins or ends with white space"
    : "holds a character that no field value may hold";
}

/** A name as it may be shown in a log: bounded, control characters escaped. */
function quote(name: string): string {
  return JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name);
}
