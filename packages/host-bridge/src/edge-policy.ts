import {
  type FieldList,
  fieldCountMax,
  fieldSectionBytesMax,
  ServeHTTPError,
} from "@servehttp/contract";
import { parseContentLength } from "./content-length.js";
import { setsCookie, stripCookies } from "./cookies.js";
import { FieldNameCache } from "./field-name-cache.js";
import { isFieldValue } from "./field-value.js";
import { type ForwardedBefore, joined, pushForwarded } from "./forwarded.js";
import { connectionNamed, hopByHopFields, listElements } from "./hop-by-hop.js";
import { identityNamesMax } from "./limits.js";
import { type Refusal, refusal } from "./refusal.js";
import { parameterNames, stripQueryParameters } from "./strip-query-parameters.js";
import { isTrailerField } from "./trailer-field.js";
import { trustedProxies } from "./trusted-proxies.js";
import { isValidHost } from "./valid-host.js";

/** What crosses the edge between callers and plugins, and what doesn't. */
export interface EdgeOptions {
  /** The host's own secrets, which no plugin is to see. Default: none. */
  readonly strip?: {
    /** Names of cookies, letter by letter. */
    readonly cookies?: readonly string[];
    /** Names of header fields, in any letter case; "_" counts as "-". */
    readonly headers?: readonly string[];
    /** Names of query parameters, letter by letter. They go from the Referer field as well. */
    readonly queryParameters?: readonly string[];
  };
  /**
   * Header names that `identity` may set, in any letter case. A caller's fields of these names are always dropped, those that
   * `identity` returned once as well. Names that it returns only for some callers belong here. Default: none.
   */
  readonly identityHeaders?: readonly string[];
  /**
   * X-Forwarded-For, -Host, -Proto and Forwarded. `"replace"`: the caller's are dropped (with every other X-Forwarded field
   * and X-Real-IP) and the host's own are set. `"append"`: the caller's are believed and continued. `"off"`: they pass as
   * they came. Default: `"replace"`, which trusts nobody.
   */
  readonly forwarded?: "replace" | "append" | "off";
  /**
   * Addresses and ranges of proxies in front of the host, such as `"10.0.0.0/8"`: with `"replace"`, what these send is
   * continued as with `"append"`. Default: none.
   */
  readonly trustedProxies?: readonly string[];
  /** Names of cookies that no plugin's response may set, letter by letter. Default: none. */
  readonly protectedCookies?: readonly string[];
  /** Protocols that a caller may upgrade to, in lower case. Default: `["websocket"]`. `h2c` is never one. */
  readonly upgrades?: readonly string[];
}

/** What the host knows of a request beside its header section. */
export interface CallerFacts {
  readonly versionMajor: number;
  readonly versionMinor: number;
  /** Without a port; empty where there is none (a unix socket). */
  readonly remoteIp: string;
  readonly scheme: "http" | "https";
  /** The route's authority, which wins over the Host field. */
  readonly authority: string | undefined;
  /** HTTP/2: the stream ended with its header section. Not read for HTTP/1, where framing fields say it. */
  readonly endedByHead: boolean;
  /** The caller's connection could be handed over: the server told of the request by its `upgrade` event. */
  readonly upgradable: boolean;
}

/** What a request's header section says. */
export interface RequestFields {
  readonly kind: "fields";
  /** For the plugin, flat; the caller may push to it. */
  readonly fields: string[];
  readonly host: string;
  /** In octets; -1 when it is not known in advance. */
  readonly contentLength: number;
  /** The caller waits for a 100 before it sends its body. */
  readonly expectContinue: boolean;
  /** The protocol that the caller may upgrade to, in lower case. Then `fields` has Connection and Upgrade. */
  readonly upgrade: string | undefined;
  /** The caller said `TE: trailers`. */
  readonly trailersWanted: boolean;
}

/** What `identity` returned: a value that is undefined still keeps the caller's field out. */
export type IdentityFields = Readonly<Record<string, string | readonly string[] | undefined>>;

type RequestKind =
  | "keep"
  | "drop"
  | "connection"
  | "content-length"
  | "cookie"
  | "expect"
  | "forwarded"
  | "host"
  | "referer"
  | "te"
  | "transfer-encoding"
  | "upgrade"
  | "x-forwarded-for"
  | "x-forwarded-host"
  | "x-forwarded-proto"
  | "x-forwarded-other";

/**
 * The rules for header fields of one host. Hot: one pass over a request's fields, one map look-up a field. See the
 * "edge" case of `apps/bench`.
 */
export class EdgePolicy {
  readonly #cookies: ReadonlySet<string>;
  readonly #headers: ReadonlySet<string>;
  readonly #forwarded: "replace" | "append" | "off";
  readonly #isTrusted: (ip: string) => boolean;
  readonly #protectedCookies: ReadonlySet<string>;
  readonly #upgrades: ReadonlySet<string>;
  /** Grows by what `identity` returns, so that it is never a caller who sets them. */
  readonly #identityNames: Set<string>;
  readonly #names: FieldNameCache<RequestKind>;

  /** For `RouteRules`. */
  readonly secretParameters: ReadonlySet<string>;

  /** @throws ServeHTTPError `invalid-argument` for a trusted proxy that is no address or range */
  constructor(options: EdgeOptions = {}) {
    this.#cookies = new Set(options.strip?.cookies);
    this.#headers = new Set(options.strip?.headers?.map(dashed));
    this.secretParameters = parameterNames(options.strip?.queryParameters ?? []);
    this.#forwarded = options.forwarded ?? "replace";
    this.#isTrusted = trustedProxies(options.trustedProxies ?? []);
    this.#protectedCookies = new Set(options.protectedCookies);
    this.#upgrades = new Set(options.upgrades?.filter((token) => token !== "h2c") ?? ["websocket"]);
    this.#identityNames = new Set(options.identityHeaders?.map(dashed));
    this.#names = new FieldNameCache((name, underscored) => this.#requestKind(name, underscored));
  }

  /**
   * Reads a request's header section: what goes to the plugin, and what it says about the body. The host's identity is
   * added afterwards, by `addIdentity`, so that nothing here can remove it.
   *
   * @param rawHeaders as Node gives them: name, value, name, value
   */
  readRequest(rawHeaders: readonly string[], caller: CallerFacts): RequestFields | Refusal {
    if (rawHeaders.length > 2 * fieldCountMax) {
      return refusal(431, "too many header fields");
    }
    const fields: string[] = [];
    let bytes = 0;
    let host: string | undefined;
    let authority = caller.authority;
    let contentLength: number | undefined;
    let codings: string | undefined;
    let expectContinue = false;
    let trailersWanted = false;
    let connectionUpgrade = false;
    let upgradeOffer: string | undefined;
    let named: ReadonlySet<string> | undefined;
    let cookie: string | undefined;
    let before: ForwardedBefore | undefined;
    const remoteIp = plainIp(caller.remoteIp);
    const believed = this.#forwarded !== "replace" || this.#isTrusted(remoteIp);

    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      const name = rawHeaders[at] as string;
      const value = rawHeaders[at + 1] as string;
      bytes += name.length + value.length;
      if (name.charCodeAt(0) === 0x3a /* : */) {
        if (name === ":authority") {
          authority ??= value;
        }
        continue;
      }
      const known = this.#names.get(name);
      if (known === undefined) {
        return refusal(400, "a header name that is no token, or too long");
      }
      switch (known.kind) {
        case "keep":
          fields.push(name, value);
          break;
        case "drop":
          break;
        case "host":
          if (host !== undefined) {
            return refusal(400, "more than one Host");
          }
          host = value;
          break;
        case "connection": {
          const more = connectionNamed(value);
          if (more !== undefined) {
            named = named === undefined ? more : new Set([...named, ...more]);
          }
          connectionUpgrade ||= value === "Upgrade" || hasElement(value, "upgrade");
          break;
        }
        case "content-length": {
          const length = parseContentLength(value);
          if (length === undefined || contentLength !== undefined) {
            return refusal(400, "an invalid Content-Length, or more than one");
          }
          contentLength = length;
          break;
        }
        case "transfer-encoding":
          codings = joined(codings, value);
          break;
        case "expect":
          if (value.toLowerCase() !== "100-continue") {
            return refusal(417, "an expectation that is not 100-continue");
          }
          expectContinue = caller.versionMajor > 1 || caller.versionMinor > 0;
          fields.push(name, value);
          break;
        case "te":
          if (!trailersWanted && hasElement(value, "trailers")) {
            trailersWanted = true;
            fields.push(name, "trailers");
          }
          break;
        case "upgrade":
          upgradeOffer = joined(upgradeOffer, value);
          break;
        case "cookie": {
          const left = this.#cookies.size === 0 ? value : stripCookies(value, this.#cookies);
          if (left === undefined) {
            break;
          }
          if (caller.versionMajor > 1) {
            // HTTP/2 cuts the field to crumbs for compression only (RFC 9113, section 8.2.3).
            cookie = cookie === undefined ? left : `${cookie}; ${left}`;
          } else {
            fields.push(name, left);
          }
          break;
        }
        case "referer":
          fields.push(name, stripQueryParameters(value, this.secretParameters));
          break;
        case "x-forwarded-for":
          if (believed) {
            before ??= noForwarded();
            before.for = joined(before.for, value);
          }
          break;
        case "x-forwarded-host":
          if (believed) {
            before ??= noForwarded();
            before.host ??= value;
          }
          break;
        case "x-forwarded-proto":
          if (believed) {
            before ??= noForwarded();
            before.proto ??= value;
          }
          break;
        case "forwarded":
          if (believed) {
            before ??= noForwarded();
            before.forwarded = joined(before.forwarded, value);
          }
          break;
        case "x-forwarded-other":
          if (believed) {
            fields.push(name, value);
          }
          break;
      }
    }
    if (bytes > fieldSectionBytesMax) {
      return refusal(431, "the header section is too large");
    }
    if (cookie !== undefined) {
      fields.push("cookie", cookie);
    }

    const target = effectiveHost(host, authority, caller);
    if (typeof target !== "string") {
      return target;
    }
    const length = bodyLength(contentLength, codings, caller);
    if (typeof length !== "number") {
      return length;
    }
    if (named !== undefined) {
      this.#removeFields(fields, named);
    }
    if (this.#forwarded !== "off") {
      const facts = { remoteIp, host: target, scheme: caller.scheme };
      pushForwarded(fields, facts, before === undefined ? undefined : unnamed(before, named));
    }
    let upgrade: string | undefined;
    if (
      upgradeOffer !== undefined &&
      connectionUpgrade &&
      caller.upgradable &&
      caller.versionMajor === 1 &&
      caller.versionMinor > 0
    ) {
      upgrade = this.#allowedUpgrade(upgradeOffer, fields);
    }
    return {
      kind: "fields",
      fields,
      host: target,
      contentLength: length,
      expectContinue,
      upgrade,
      trailersWanted,
    };
  }

  /**
   * Sets the host's identity fields. The caller's of the same names are gone afterwards, however they were written.
   *
   * @throws ServeHTTPError `invalid-argument` when a name is no token, or a value holds control characters or
   *   characters above U+00FF: header values are octets, so text must be encoded first
   */
  addIdentity(fields: string[], identity: IdentityFields): void {
    const names = Object.keys(identity);
    let present: Set<string> | undefined;
    for (const name of names) {
      const known = this.#names.get(name);
      if (known === undefined || isHostsOwn(known.dashed)) {
        throw new ServeHTTPError(
          "invalid-argument",
          `identity: ${JSON.stringify(name)} is no header that it may set`,
        );
      }
      // Names known before were dropped on the way in; the forwarded ones were put there since by the host.
      if (!this.#identityNames.has(known.dashed) || isForwarded(known.dashed)) {
        present ??= new Set();
        present.add(known.dashed);
      }
    }
    if (present !== undefined) {
      this.#removeFields(fields, present);
      this.#learn(present);
    }
    for (const name of names) {
      const value = identity[name];
      if (typeof value === "string") {
        pushIdentity(fields, name, value);
      } else if (value !== undefined) {
        for (const one of value) {
          pushIdentity(fields, name, one);
        }
      }
    }
  }

  /** The trailers of a request that a plugin may see. */
  readRequestTrailers(rawTrailers: readonly string[]): FieldList {
    const kept: string[] = [];
    for (let at = 0; at + 1 < rawTrailers.length; at += 2) {
      const known = this.#names.get(rawTrailers[at] as string);
      if (known?.kind === "keep" && isTrailerField(known.dashed)) {
        kept.push(rawTrailers[at] as string, rawTrailers[at + 1] as string);
      }
    }
    return kept;
  }

  /** Whether a Set-Cookie value of a plugin may pass. */
  maySetCookie(value: string): boolean {
    return this.#protectedCookies.size === 0 || !setsCookie(value, this.#protectedCookies);
  }

  #requestKind(name: string, underscored: boolean): RequestKind {
    if ((this.#identityNames.has(name) || this.#headers.has(name)) && !isHostsOwn(name)) {
      return "drop";
    }
    const kind = this.#specialKind(name);
    // Only the name with "-" has the meaning; the other one would get it in a CGI-like plugin.
    return underscored && kind !== "keep" ? "drop" : kind;
  }

  #specialKind(name: string): RequestKind {
    switch (name) {
      case "connection":
      case "content-length":
      case "cookie":
      case "expect":
      case "host":
      case "te":
      case "transfer-encoding":
      case "upgrade":
        return name;
      case "referer":
        return this.secretParameters.size === 0 ? "keep" : name;
      case "x-forwarded-for":
      case "x-forwarded-host":
      case "x-forwarded-proto":
      case "forwarded":
        return this.#forwarded === "off" ? "keep" : name;
      case "x-real-ip":
        return this.#forwarded === "off" ? "keep" : "x-forwarded-other";
      case "proxy":
        // A CGI-like plugin would read it as HTTP_PROXY and send its own requests there (httpoxy).
        return "drop";
      default:
        if (name.startsWith("x-forwarded-") && this.#forwarded !== "off") {
          return "x-forwarded-other";
        }
        return hopByHopFields.has(name) ? "drop" : "keep";
    }
  }

  #allowedUpgrade(offer: string, fields: string[]): string | undefined {
    for (const token of listElements(offer)) {
      const lower = token.toLowerCase();
      if (this.#upgrades.has(lower)) {
        fields.push("Connection", "Upgrade", "Upgrade", token);
        return lower;
      }
    }
    return undefined;
  }

  #learn(names: ReadonlySet<string>): void {
    const before = this.#identityNames.size;
    for (const name of names) {
      if (this.#identityNames.size < identityNamesMax) {
        this.#identityNames.add(name);
      }
    }
    if (this.#identityNames.size > before) {
      this.#names.reset();
    }
  }

  #removeFields(fields: string[], names: ReadonlySet<string>): void {
    let kept = 0;
    for (let at = 0; at < fields.length; at += 2) {
      const name = fields[at] as string;
      if (!names.has(this.#names.get(name)?.dashed ?? "")) {
        fields[kept] = name;
        fields[kept + 1] = fields[at + 1] as string;
        kept += 2;
      }
    }
    fields.length = kept;
  }
}

/** The host that the request is for, or a refusal. */
function effectiveHost(
  host: string | undefined,
  authority: string | undefined,
  caller: CallerFacts,
): string | Refusal {
  if (
    caller.versionMajor > 1 &&
    host !== undefined &&
    authority !== undefined &&
    host !== authority
  ) {
    return refusal(400, "Host and :authority differ");
  }
  if (host === undefined && caller.versionMajor === 1 && caller.versionMinor > 0) {
    return refusal(400, "no Host");
  }
  if (
    (host !== undefined && !isValidHost(host)) ||
    (authority !== undefined && !isValidHost(authority))
  ) {
    return refusal(400, "an invalid Host");
  }
  return authority ?? host ?? "";
}

/**
 * The declared length of a request's body (RFC 9112, section 6.3): -1 when it is not known in advance, or a refusal where
 * framing is ambiguous or of a kind that the host does not speak.
 */
function bodyLength(
  contentLength: number | undefined,
  codings: string | undefined,
  caller: CallerFacts,
): number | Refusal {
  if (codings === undefined) {
    if (contentLength !== undefined) {
      return contentLength;
    }
    return caller.versionMajor === 1 || caller.endedByHead ? 0 : -1;
  }
  if (caller.versionMajor > 1 || caller.versionMinor === 0) {
    return refusal(400, "Transfer-Encoding in a version of HTTP that has none");
  }
  if (contentLength !== undefined) {
    return refusal(400, "both Content-Length and Transfer-Encoding");
  }
  if (codings.toLowerCase() === "chunked") {
    return -1;
  }
  const other = listElements(codings).some((coding) => coding.toLowerCase() !== "chunked");
  return other
    ? refusal(501, "a transfer coding other than chunked")
    : refusal(400, "an empty Transfer-Encoding, or chunked more than once");
}

function hasElement(value: string, element: string): boolean {
  if (value === element) {
    return true;
  }
  if (value.length < element.length) {
    return false;
  }
  return listElements(value).some((one) => one.toLowerCase() === element);
}

function pushIdentity(fields: string[], name: string, value: string): void {
  if (!isFieldValue(value)) {
    throw new ServeHTTPError(
      "invalid-argument",
      `identity: the value of ${name} holds a character that no header field may hold`,
    );
  }
  fields.push(name, value);
}

/** Fields that frame or route; no option makes them anything else. */
function isHostsOwn(name: string): boolean {
  return (
    name === "host" || name === "content-length" || name === "expect" || hopByHopFields.has(name)
  );
}

function isForwarded(name: string): boolean {
  return name === "forwarded" || name.startsWith("x-forwarded-");
}

function noForwarded(): ForwardedBefore {
  return { for: undefined, host: undefined, proto: undefined, forwarded: undefined };
}

/** What a trusted proxy sent, less the fields that its Connection field named. */
function unnamed(before: ForwardedBefore, named: ReadonlySet<string> | undefined): ForwardedBefore {
  if (named === undefined) {
    return before;
  }
  return {
    for: named.has("x-forwarded-for") ? undefined : before.for,
    host: named.has("x-forwarded-host") ? undefined : before.host,
    proto: named.has("x-forwarded-proto") ? undefined : before.proto,
    forwarded: named.has("forwarded") ? undefined : before.forwarded,
  };
}

/** An IPv4 address as it is written, also where a socket for both versions says "::ffff:192.0.2.1". */
function plainIp(ip: string): string {
  return ip.startsWith("::ffff:") && ip.includes(".") ? ip.slice(7) : ip;
}

function dashed(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}
