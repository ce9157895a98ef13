import { fieldCountMax, fieldNameBytesMax, fieldSectionBytesMax } from "./limits.js";
import type { FieldList } from "./parts.js";

/*
 * What both ends must agree on about header fields. Every field of every message passes through here, so the
 * checks are one look into a table for each character.
 */

/**
 * What a character may be part of, by its code: bit 0 a token, bit 1 a value, bit 2 either end of a value.
 *
 * A token is RFC 9110, section 5.6.2. A value is what section 5.5 calls field-content, obs-text included: visible
 * characters, space and tab within, no other control character.
 */
const inToken = 1;
const inValue = 2;
const atValueEdge = 4;

const tab = 0x09;
const space = 0x20;
const upperA = 0x41;
const upperZ = 0x5a;
const underscore = 0x5f;
const del = 0x7f;

const kindByCode: Uint8Array = makeKinds();

/** Whether `text` is a token (RFC 9110, section 5.6.2): a method, a field name. At least one character. */
export function isToken(text: string): boolean {
  const { length } = text;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 0xff || ((kindByCode[code] as number) & inToken) === 0) {
      return false;
    }
  }
  return length > 0;
}

/**
 * Whether `text` is a field value as it may lie in a `FieldList`: Latin-1, no control character but tab, no white
 * space at either end (RFC 9110, section 5.5). May be empty.
 *
 * White space at the ends is no part of a value: Go's and Node's parsers take it off what they read, and Go takes it off
 * what a handler sets. Who accepts values of people's making does the same first: `trimFieldValue`.
 */
export function isFieldValue(text: string): boolean {
  const { length } = text;
  if (length === 0) {
    return true;
  }
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 0xff || ((kindByCode[code] as number) & inValue) === 0) {
      return false;
    }
  }
  return isEdge(text.charCodeAt(0)) && isEdge(text.charCodeAt(length - 1));
}

/**
 * Takes space and tab off both ends of a value, as Go's `net/http` does when it writes a header. Nothing else: a line
 * break at the end stays, for `isFieldValue` to refuse.
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
 * What is wrong with a list of header fields, in words for a log, or undefined if nothing is. Names the first bad field
 * by its name, never by its value. Checked are: pairs, names (`isToken`, at most 256 octets), values (`isFieldValue`), the
 * number of fields (`fieldCountMax`) and the size of all (`fieldSectionBytesMax`).
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
    ? `${bytes} octets of header fields: allowed are ${fieldSectionBytesMax}`
    : undefined;
}

/**
 * What a field costs on the wire beside its name and value: three tags, and lengths of which one is short. It is
 * also what keeps many tiny fields from being free.
 */
const fieldOverheadBytes = 12;

/**
 * The form in which names are compared: lower case, and `_` as `-`, because a CGI-like plugin can't tell
 * `X_User_Id` from `X-User-Id`. Returns `name` itself where it is in that form already.
 */
export function comparableName(name: string): string {
  const { length } = name;
  for (let index = 0; index < length; index += 1) {
    const code = name.charCodeAt(index);
    if (code === underscore || (code >= upperA && code <= upperZ)) {
      return name.toLowerCase().replaceAll("_", "-");
    }
  }
  return name;
}

/**
 * Fields that concern one connection and are never passed on, by `comparableName`: those of RFC 9110, section 7.6.1,
 * `Proxy-Connection` and `Keep-Alive`, which are in use though no standard has them any more, the proxy's own
 * authentication, and `HTTP2-Settings` (RFC 7540, section 3.2.1). The fields that a `Connection` names come on top.
 * `Upgrade` and `TE: trailers` have uses that the edge decides on.
 */
export const hopByHopNames: ReadonlySet<string> = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authentication-info",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Fields that a trailer section must not hold, by `comparableName`: what frames, routes, authenticates, modifies the request,
 * controls the response or describes the content's form (RFC 9110, section 6.5.1), and cookies. Go's
 * `httpguts.ValidTrailerHeader` refuses most of them; the others are named in RFC 7230, section 4.1.2, or are used for
 * routing by common proxies. See `isForbiddenTrailer`.
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
  // Modifiers of the request. Those that begin with "if-" are refused as a family.
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

function isEdge(code: number): boolean {
  return ((kindByCode[code] as number) & atValueEdge) !== 0;
}

function makeKinds(): Uint8Array {
  const kinds = new Uint8Array(256);
  for (let code = space + 1; code <= 0xff; code += 1) {
    kinds[code] = inValue | atValueEdge;
  }
  kinds[del] = 0;
  kinds[tab] = inValue;
  kinds[space] = inValue;
  for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
    const code = character.charCodeAt(0);
    kinds[code] = (kinds[code] as number) | inToken;
  }
  return kinds;
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
