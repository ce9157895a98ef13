import {
  type FieldList,
  fieldCountMax,
  hopByHopNames,
  type InformationalResponse,
  isFieldValue,
  isForbiddenTrailer,
  isReasonPhrase,
  type Memo,
  memoOf,
  type ResponseInit,
  ServeHTTPError,
  trimFieldValue,
} from "@servehttp/contract";
import { addConnectionNamed } from "../syntax/connection-options.js";
import { parseContentLength } from "../syntax/content-length.js";
import { type RedirectRules, rewriteCookiePath, rewriteLocation } from "./rewrite-redirects.js";
import { FieldNameCache } from "../syntax/field-name-cache.js";
import { responseSectionBytesMax } from "../limits.js";

/** What decides how a response may look to its client. */
export interface ResponseRules {
  /** The request's method. */
  readonly method: string;
  /** The client's version of HTTP. */
  readonly versionMajor: number;
  readonly versionMinor: number;
  /** What the edge lets pass: `EdgePolicy` is one of these. */
  readonly policy: {
    /** Whether a Set-Cookie value of a plugin may pass. */
    maySetCookie(value: string): boolean;
    /** Whether informational responses may pass. */
    readonly informational: boolean;
  };
  /** Set where the plugin's redirects and cookies are rewritten. */
  readonly redirects: RedirectRules | undefined;
}

/** A plugin's response head, checked, as the client gets it. */
export interface ResponseHead {
  readonly status: number;
  /** The plugin's own reason phrase, one character a byte; absent for the usual one of the status. */
  readonly reason?: string;
  /**
   * Name, value, name, value, ready for `response.writeHead(status, fields)` of HTTP/1. Has a
   * Content-Length where `contentLength` is a number, or the response is the one to a HEAD or a 304
   * and the plugin declared one; and no other framing field.
   */
  readonly fields: FieldList;
  /**
   * How many bytes of body the plugin declared; undefined when it didn't, or no body is allowed.
   */
  readonly contentLength: number | undefined;
  /** False for HEAD, 204, 205 and 304: what the plugin writes is discarded. */
  readonly bodyAllowed: boolean;
  /** `fields` has a Trailer field, which on HTTP/1.1 only a chunked response may have. */
  readonly announcesTrailers: boolean;
  /** `fields` has a Connection field, which says what there is to say of the connection. */
  readonly namesConnection?: true;
  /** It begins an event stream (`text/event-stream`). */
  readonly isEventStream?: true;
  /** There on a head that has come before: for what a response makes of it. */
  readonly memo?: Memo;
}

/** A head that was read for requests of one kind. */
interface RememberedHead {
  readonly head: ResponseHead;
  readonly method: string;
  readonly versionMajor: number;
  readonly versionMinor: number;
  readonly policy: ResponseRules["policy"];
}

/**
 * Turns a plugin's final response head into what the client gets. Leaves nothing in it that Node
 * would refuse or would wrongly let through: hop-by-hop and framing fields are removed, the length
 * is parsed, names and values are valid.
 *
 * @throws ServeHTTPError `handler-failed` for a status, reason, field or length that no response may
 *   have, `protocol-violation` for a section that is too large
 */
export function readResponseHead(init: ResponseInit, rules: ResponseRules): ResponseHead {
  const memo = memoOf(init.headers, init.memo);
  if (memo === undefined || rules.redirects !== undefined) {
    return readHead(init, rules);
  }
  const remembered = memo.made as RememberedHead | undefined;
  const { method, policy, versionMajor, versionMinor } = rules;
  if (
    remembered?.method === method &&
    remembered.versionMajor === versionMajor &&
    remembered.versionMinor === versionMinor &&
    remembered.policy === policy
  ) {
    return remembered.head;
  }
  const read = readHead(init, rules);
  const head = { ...read, memo: { of: read.fields, made: undefined } };
  memo.made = { head, method, policy, versionMajor, versionMinor } satisfies RememberedHead;
  return head;
}

function readHead(init: ResponseInit, rules: ResponseRules): ResponseHead {
  if (!(Number.isInteger(init.status) && init.status >= 200 && init.status <= 999)) {
    throw new ServeHTTPError("handler-failed", `the plugin answered the status ${init.status}`);
  }
  const { reason } = init;
  if (reason !== undefined && !isReasonPhrase(reason)) {
    throw new ServeHTTPError("handler-failed", "the plugin answered an invalid reason phrase");
  }
  // Node throws at a status over 599 on HTTP/2.
  const status = rules.versionMajor > 1 && init.status > 599 ? 500 : init.status;
  const emptyStatus = status === 204 || status === 205 || status === 304;
  const section = readSection(init.headers, rules);
  let contentLength: number | undefined;
  // With 304 it is the length that a 200 would have (RFC 9110, section 8.6), as it is for HEAD.
  const mayHaveLength = !section.chunked && (!emptyStatus || status === 304);
  if (section.contentLength !== undefined && mayHaveLength) {
    contentLength = parseContentLength(section.contentLength);
    if (contentLength === undefined) {
      throw new ServeHTTPError("handler-failed", "the plugin answered an invalid Content-Length");
    }
    section.fields.push("Content-Length", String(contentLength));
  }
  const bodyAllowed = !emptyStatus && rules.method !== "HEAD";
  const announcesTrailers =
    section.trailer !== undefined && mayAnnounceTrailers(rules, bodyAllowed, contentLength);
  if (announcesTrailers) {
    section.fields.push("Trailer", section.trailer ?? "");
  }
  // A 426 must say what to upgrade to (RFC 9110, section 15.5.22).
  const namesConnection =
    status === 426 && section.upgrade !== undefined && rules.versionMajor === 1;
  if (namesConnection) {
    section.fields.push("Connection", "Upgrade", "Upgrade", section.upgrade ?? "");
  }
  return {
    status,
    ...(namesConnection ? { namesConnection } : undefined),
    ...(section.isEventStream ? { isEventStream: true } : undefined),
    ...(reason === undefined ? undefined : { reason }),
    fields: section.fields,
    contentLength: bodyAllowed ? contentLength : undefined,
    bodyAllowed,
    announcesTrailers,
  };
}

/**
 * Turns an informational response into what the client gets; undefined for HTTP/1.0, which has
 * none, and where the edge lets none pass. A 100 always passes: it answers the client's Expect.
 *
 * @throws ServeHTTPError as `readResponseHead` does; 101 is what `hijack` is for
 */
export function readInformational(
  informational: InformationalResponse,
  rules: ResponseRules,
): { readonly status: number; readonly fields: string[] } | undefined {
  const { status } = informational;
  if (!(Number.isInteger(status) && status >= 100 && status <= 199) || status === 101) {
    throw new ServeHTTPError("handler-failed", `the plugin sent the interim status ${status}`);
  }
  const { fields } = readSection(informational.headers, rules);
  const known = rules.versionMajor > 1 || rules.versionMinor > 0;
  return known && (rules.policy.informational || status === 100) ? { status, fields } : undefined;
}

/**
 * Turns a plugin's trailers into what the client gets: fields that frame, route or authenticate are
 * dropped.
 *
 * @throws ServeHTTPError as `readResponseHead` does
 */
export function readResponseTrailers(trailers: FieldList, rules: ResponseRules): string[] {
  if (trailers.length === 0) {
    return [];
  }
  const { fields } = readSection(trailers, rules);
  return withoutFields(fields, isForbiddenTrailer);
}

/**
 * Turns a flat list into what `stream.respond`, `stream.additionalHeaders` and
 * `stream.sendTrailers` of Node's HTTP/2 take: names in lower case, an array where a name comes
 * more than once. Of a field that Node allows only once, the first one stands.
 */
export function toHttp2Fields(
  fields: FieldList,
  status?: number,
): Record<string, string | number | string[]> {
  const headers: Record<string, string | number | string[]> = Object.create(null) as Record<
    string,
    string | number | string[]
  >;
  if (status !== undefined) {
    headers[":status"] = status;
  }
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = fields[at] as string;
    const lower = names.get(name)?.lower ?? name.toLowerCase();
    const value = fields[at + 1] as string;
    const before = headers[lower];
    if (before === undefined) {
      headers[lower] = value;
    } else if (Array.isArray(before)) {
      before.push(value);
    } else if (!http2SingleFields.has(lower)) {
      headers[lower] = [String(before), value];
    }
  }
  return headers;
}

/** A head with one field more. It is no head that comes again. */
export function withField(head: ResponseHead, name: string, value: string): ResponseHead {
  const { memo: _, ...own } = head;
  return { ...own, fields: [...head.fields, name, value] };
}

interface Section {
  readonly fields: string[];
  contentLength: string | undefined;
  /** The plugin sent a Transfer-Encoding, which overrides a length (RFC 9112, section 6.3). */
  chunked: boolean;
  trailer: string | undefined;
  upgrade: string | undefined;
  isEventStream: boolean;
}

const eventStream = /^text\/event-stream *(?:;|$)/i;

/** Hot: one pass, one map look-up a field. */
function readSection(headers: FieldList, rules: ResponseRules): Section {
  if (headers.length > 2 * fieldCountMax) {
    throw tooLarge();
  }
  const { redirects } = rules;
  const fields: string[] = [];
  const section: Section = {
    fields,
    contentLength: undefined,
    chunked: false,
    trailer: undefined,
    upgrade: undefined,
    isEventStream: false,
  };
  let named: Set<string> | undefined;
  let bytes = 0;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string;
    const raw = headers[at + 1] as string;
    bytes += name.length + raw.length;
    if (bytes > responseSectionBytesMax) {
      throw tooLarge();
    }
    const known = names.get(name);
    if (known === undefined) {
      throw new ServeHTTPError("handler-failed", "the plugin sent an invalid header name");
    }
    const value = trimFieldValue(raw);
    if (!isFieldValue(value)) {
      throw new ServeHTTPError("handler-failed", `the plugin sent an invalid value of ${name}`);
    }
    switch (known.kind) {
      case "keep":
        fields.push(name, value);
        break;
      case "drop":
        break;
      case "connection":
        named = addConnectionNamed(named, value);
        break;
      case "content-length":
        if (section.contentLength !== undefined) {
          throw new ServeHTTPError("handler-failed", "the plugin answered two Content-Length");
        }
        section.contentLength = value;
        break;
      case "content-type":
        section.isEventStream = eventStream.test(value);
        fields.push(name, value);
        break;
      case "set-cookie":
        if (rules.policy.maySetCookie(value)) {
          fields.push(name, redirects === undefined ? value : rewriteCookiePath(value, redirects));
        }
        break;
      case "location":
        fields.push(name, redirects === undefined ? value : rewriteLocation(value, redirects));
        break;
      case "trailer":
        section.trailer = section.trailer === undefined ? value : `${section.trailer}, ${value}`;
        break;
      case "transfer-encoding":
        section.chunked = true;
        break;
      case "upgrade":
        section.upgrade = section.upgrade === undefined ? value : `${section.upgrade}, ${value}`;
        break;
    }
  }
  return named === undefined
    ? section
    : { ...section, fields: withoutFields(fields, (comparable) => named.has(comparable)) };
}

type ResponseKind =
  | "keep"
  | "drop"
  | "connection"
  | "content-length"
  | "content-type"
  | "location"
  | "set-cookie"
  | "trailer"
  | "transfer-encoding"
  | "upgrade";

const names = new FieldNameCache<ResponseKind>((comparable, underscored) => {
  switch (comparable) {
    case "connection":
    case "content-length":
    case "content-type":
    case "location":
    case "set-cookie":
    case "trailer":
    case "transfer-encoding":
    case "upgrade":
      return underscored ? "keep" : comparable;
    // A field of requests (RFC 9110, section 11.7.2), which means nothing in a response. What a proxy
    // does not know it passes on (section 5.1).
    case "proxy-authorization":
      return "keep";
    default:
      return hopByHopNames.has(comparable) && !underscored ? "drop" : "keep";
  }
});

/**
 * Whether a Trailer field may go out. On HTTP/1, Node throws at one on a message that is not
 * chunked.
 */
function mayAnnounceTrailers(
  rules: ResponseRules,
  bodyAllowed: boolean,
  contentLength: number | undefined,
): boolean {
  return (
    rules.versionMajor > 1 || (rules.versionMinor > 0 && bodyAllowed && contentLength === undefined)
  );
}

function withoutFields(fields: string[], isOut: (comparable: string) => boolean): string[] {
  const kept: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] as string;
    if (!isOut(names.get(name)?.comparable ?? "")) {
      kept.push(name, fields[at + 1] as string);
    }
  }
  return kept;
}

function tooLarge(): ServeHTTPError {
  return new ServeHTTPError("protocol-violation", "the plugin's header section is too large");
}

/**
 * The fields at which Node's HTTP/2 throws when they come twice (`kSingleValueFields` in
 * lib/internal/http2/util.js).
 */
const http2SingleFields: ReadonlySet<string> = new Set([
  "access-control-allow-credentials",
  "access-control-max-age",
  "access-control-request-method",
  "age",
  "authorization",
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-md5",
  "content-range",
  "content-type",
  "date",
  "dnt",
  "etag",
  "expires",
  "from",
  "host",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "last-modified",
  "location",
  "max-forwards",
  "proxy-authorization",
  "range",
  "referer",
  "retry-after",
  "tk",
  "upgrade-insecure-requests",
  "user-agent",
  "x-content-type-options",
]);
