import {
  comparableName,
  type FieldList,
  isForbiddenTrailer,
  type RequestInit,
  ServeHTTPError,
} from "@servehttp/contract";
import { addConnectionNamed, hasElement, listElements } from "../syntax/connection-options.js";
import { parseContentLength } from "../syntax/content-length.js";
import { setsCookie, stripCookies } from "../syntax/cookies.js";
import type { EdgeOptions } from "./edge-options.js";
import { FieldNameCache } from "../syntax/field-name-cache.js";
import {
  fieldKind,
  isForwarded,
  isHostsOwn,
  type RequestKind,
  type SpecialKind,
} from "./field-kind.js";
import { joined } from "./forwarded.js";
import { Forwarding, type KnownClient } from "./forwarding.js";
import { type IdentityFields, readIdentity } from "./read-identity.js";
import { identityNamesMax, requestFieldsMax, requestSectionBytesMax } from "../limits.js";
import { type Refusal, refusal } from "./refusal.js";
import type { ClientFacts, RequestFields } from "./request-fields.js";
import { bodyLength, effectiveHost } from "./request-framing.js";
import type { ResponseRules } from "./response-head.js";
import { nothingSeen, pushCookies, type SeenFields } from "./seen-fields.js";
import { parameterNames, stripQueryParameters } from "../syntax/strip-query-parameters.js";

const colon = 0x3a;

/**
 * The rules for header fields of one host. Hot: one pass over a request's fields with one map
 * look-up a field, as the small GET of `apps/bench` shows.
 */
export class EdgePolicy {
  readonly #cookies: ReadonlySet<string>;
  readonly #headers: ReadonlySet<string>;
  readonly #forwarding: Forwarding;
  readonly #protectedCookies: ReadonlySet<string>;
  readonly #trustTraceContext: boolean | undefined;
  readonly #upgrades: ReadonlySet<string>;
  /** Grows by the names that `identity` returns, so that no client can set them. */
  readonly #identityNames: Set<string>;
  readonly #names: FieldNameCache<RequestKind>;
  /** The rules for responses to requests like the last one. */
  #rules: ResponseRules | undefined;

  /** Parameters to remove from queries, by `parameterNames`. */
  readonly secretParameters: ReadonlySet<string>;

  /**
   * Counts what `readRequest` has learned: what it returned before holds only while this is the
   * same.
   */
  version = 0;

  /** Whether a plugin's informational responses go to the client. */
  readonly informational: boolean;

  /** @throws ServeHTTPError `invalid-argument` for a trusted proxy that is no address or range */
  constructor(options: EdgeOptions = {}) {
    this.#cookies = new Set(options.strip?.cookies);
    this.#headers = new Set(options.strip?.headers?.map(comparableName));
    this.secretParameters = parameterNames(options.strip?.queryParameters ?? []);
    this.#forwarding = new Forwarding(options);
    this.informational = options.informational ?? true;
    this.#protectedCookies = new Set(options.protectedCookies);
    this.#trustTraceContext = options.trustTraceContext;
    this.#upgrades = new Set(options.upgrades?.filter((token) => token !== "h2c") ?? ["websocket"]);
    this.#identityNames = new Set(options.identityHeaders?.map(comparableName));
    this.#names = new FieldNameCache((name, underscored) => this.#requestKind(name, underscored));
  }

  /** What decides how the response to a request may look, unless redirects are rewritten. */
  responseRules({ method, protocolMajor, protocolMinor }: RequestInit): ResponseRules {
    const last = this.#rules;
    if (
      last?.method === method &&
      last.versionMajor === protocolMajor &&
      last.versionMinor === protocolMinor
    ) {
      return last;
    }
    this.#rules = {
      method,
      versionMajor: protocolMajor,
      versionMinor: protocolMinor,
      policy: this,
      redirects: undefined,
    };
    return this.#rules;
  }

  /**
   * Reads a request's header section: what goes to the plugin, and what the section says about the
   * body. `withIdentity` adds the host's identity fields afterwards, so that nothing in the section
   * can remove them.
   *
   * @param rawHeaders as Node gives them: name, value, name, value
   */
  readRequest(rawHeaders: readonly string[], client: ClientFacts): RequestFields | Refusal {
    if (rawHeaders.length > 2 * requestFieldsMax) {
      return refusal(431, "too many header fields");
    }
    const seen = nothingSeen();
    let bytes = 0;
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      const name = rawHeaders[at] as string;
      const value = rawHeaders[at + 1] as string;
      bytes += name.length + value.length;
      if (name.charCodeAt(0) === colon) {
        if (name === ":authority") {
          seen.authority = value;
        }
        continue;
      }
      const known = this.#names.get(name);
      if (known === undefined) {
        return refusal(400, "a header name that is no token, or too long");
      }
      if (known.kind === "keep") {
        seen.fields.push(name, value);
      } else if (known.kind !== "drop") {
        const refused = this.#readSpecial(seen, known.kind, name, value, client);
        if (refused !== undefined) {
          return refused;
        }
      }
    }
    return bytes > requestSectionBytesMax
      ? refusal(431, "the header section is too large")
      : this.#concluded(seen, client);
  }

  /**
   * Returns fields of a client with the host's identity fields set. Leaves out the client's fields
   * of the same names, however they were written.
   *
   * @throws ServeHTTPError `invalid-argument` when a name is no token or frames messages, or as
   *   `readIdentity` does
   */
  withIdentity(sent: FieldList, identity: IdentityFields): FieldList {
    const fields = [...sent];
    const given = readIdentity(identity);
    let present: Set<string> | undefined;
    for (const name of given.names) {
      const known = this.#names.get(name);
      if (known === undefined || isHostsOwn(known.comparable)) {
        throw new ServeHTTPError(
          "invalid-argument",
          `identity: ${JSON.stringify(name)} is no header that it may set`,
        );
      }
      // `readRequest` has dropped names that were known before. The host itself has added the
      // forwarded ones since.
      if (!this.#identityNames.has(known.comparable) || isForwarded(known.comparable)) {
        present ??= new Set();
        present.add(known.comparable);
      }
    }
    if (present !== undefined) {
      this.#removeFields(fields, present);
      this.#learn(present);
    }
    for (const text of given.fields) {
      fields.push(text);
    }
    return fields;
  }

  /** Returns the trailers of a request that a plugin may see. */
  readRequestTrailers(rawTrailers: readonly string[]): FieldList {
    const kept: string[] = [];
    for (let at = 0; at + 1 < rawTrailers.length; at += 2) {
      const known = this.#names.get(rawTrailers[at] as string);
      if (known?.kind === "keep" && !isForbiddenTrailer(known.comparable)) {
        kept.push(rawTrailers[at] as string, rawTrailers[at + 1] as string);
      }
    }
    return kept;
  }

  /** Whether a Set-Cookie value of a plugin may pass. */
  maySetCookie(value: string): boolean {
    return this.#protectedCookies.size === 0 || !setsCookie(value, this.#protectedCookies);
  }

  /** Reads a field that means something to the host. */
  #readSpecial(
    seen: SeenFields,
    kind: SpecialKind,
    name: string,
    value: string,
    client: ClientFacts,
  ): Refusal | undefined {
    switch (kind) {
      case "host":
        if (seen.host !== undefined) {
          return refusal(400, "more than one Host");
        }
        seen.host = value;
        break;
      case "connection":
        seen.named = addConnectionNamed(seen.named, value);
        seen.connectionUpgrade ||= value === "Upgrade" || hasElement(value, "upgrade");
        break;
      case "cookie": {
        const left = this.#cookies.size === 0 ? value : stripCookies(value, this.#cookies);
        if (left !== undefined) {
          seen.cookies.push(name, left);
        }
        break;
      }
      case "content-length": {
        const length = parseContentLength(value);
        if (length === undefined || seen.contentLength !== undefined) {
          return refusal(400, "an invalid Content-Length, or more than one");
        }
        seen.contentLength = length;
        break;
      }
      case "transfer-encoding":
        seen.codings = joined(seen.codings, value);
        break;
      case "expect":
        if (!isContinue(value)) {
          return refusal(417, "an expectation that is not 100-continue");
        }
        seen.expectContinue = true;
        seen.fields.push(name, value);
        break;
      case "te":
        if (!seen.trailersWanted && hasElement(value, "trailers")) {
          seen.trailersWanted = true;
          seen.fields.push(name, "trailers");
        }
        break;
      case "upgrade":
        seen.upgradeOffer = joined(seen.upgradeOffer, value);
        break;
      case "referer":
        seen.fields.push(name, stripQueryParameters(value, this.secretParameters));
        break;
      case "forwarded":
        seen.forwarded.push(name, value);
        break;
      case "trace-context":
        seen.traceFields ??= [];
        seen.traceFields.push(name, value);
        if (this.#trustsTraceContext(client)) {
          seen.fields.push(name, value);
        }
        break;
    }
    return undefined;
  }

  /**
   * Draws the conclusions that need the whole section: the framing, and the fields that depend on
   * others.
   */
  #concluded(seen: SeenFields, client: ClientFacts): RequestFields | Refusal {
    const host = effectiveHost(seen.host, client.authority ?? seen.authority, client);
    if (typeof host !== "string") {
      return host;
    }
    const contentLength = bodyLength(seen.contentLength, seen.codings, client);
    if (typeof contentLength !== "number") {
      return contentLength;
    }
    const { fields } = seen;
    pushCookies(fields, seen.cookies, client.versionMajor);
    if (seen.named !== undefined) {
      this.#removeFields(fields, seen.named);
      this.#removeFields(seen.traceFields ?? [], seen.named);
      if (!this.#forwarding.trusts(client)) {
        // HAProxy passes a client's Connection on, by which the client could take back what the
        // proxy says of it.
        this.#removeFields(seen.forwarded, seen.named);
      }
    }
    const known = this.#known(fields, seen.forwarded, client, host);
    if ("status" in known) {
      return known;
    }
    const http1 = client.versionMajor === 1 && client.versionMinor > 0;
    return {
      kind: "fields",
      fields,
      traceContext: seen.traceFields && {
        fields: seen.traceFields,
        isTrusted: this.#trustsTraceContext(client),
      },
      host,
      remoteAddress: known.remoteAddress,
      scheme: known.scheme,
      direct: client.forwarded === undefined && !this.#forwarding.trusts(client),
      basePath: known.basePath,
      contentLength,
      emptyBodyDeclared: seen.contentLength === 0,
      // An expectation of HTTP/1.0 means nothing (RFC 9110, section 10.1.1).
      expectContinue: seen.expectContinue && (http1 || client.versionMajor > 1),
      upgrade:
        seen.upgradeOffer !== undefined && seen.connectionUpgrade && client.upgradable && http1
          ? this.#allowedUpgrade(seen.upgradeOffer, fields)
          : undefined,
      trailersWanted: seen.trailersWanted,
    };
  }

  /** A plugin that makes a call has its trace context from the host. */
  #trustsTraceContext(client: ClientFacts): boolean {
    return (
      client.forwarded !== undefined || (this.#trustTraceContext ?? this.#forwarding.trusts(client))
    );
  }

  /** Who the client is. Adds the fields that tell the plugin how the request came. */
  #known(
    fields: string[],
    received: FieldList,
    client: ClientFacts,
    host: string,
  ): KnownClient | Refusal {
    if (client.forwarded !== undefined) {
      this.#forwarding.passOn(fields, client.forwarded, client);
      return client;
    }
    return this.#forwarding.reads ? this.#forwarding.apply(fields, received, client, host) : client;
  }

  #requestKind(name: string, underscored: boolean): RequestKind {
    if ((this.#identityNames.has(name) || this.#headers.has(name)) && !isHostsOwn(name)) {
      return "drop";
    }
    const kind = fieldKind(name, {
      readsReferer: this.secretParameters.size > 0,
      readsForwarded: this.#forwarding.reads,
    });
    // Only the name with "-" has a meaning. The one with "_" is dropped, because a CGI-like plugin
    // would take it for the other.
    return underscored && kind !== "keep" ? "drop" : kind;
  }

  /**
   * Whether one of the protocols of an Upgrade field is among those that a client may upgrade to.
   */
  mayUpgrade(offer: string): boolean {
    return listElements(offer).some((token) => this.#upgrades.has(token.toLowerCase()));
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
      this.version += 1;
    }
  }

  #removeFields(fields: string[], names: ReadonlySet<string>): void {
    let kept = 0;
    for (let at = 0; at < fields.length; at += 2) {
      const name = fields[at] as string;
      if (!names.has(this.#names.get(name)?.comparable ?? "")) {
        fields[kept] = name;
        fields[kept + 1] = fields[at + 1] as string;
        kept += 2;
      }
    }
    fields.length = kept;
  }
}

function isContinue(expect: string): boolean {
  const expectations = listElements(expect);
  return (
    expectations.length > 0 && expectations.every((one) => one.toLowerCase() === "100-continue")
  );
}
