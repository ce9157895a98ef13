import type { FieldList, RepeatedHead, RequestInit } from "@servehttp/contract";
import type { RequestFields } from "../edge/request-fields.js";
import type { ExchangePlugin } from "../exchange/exchange.js";
import type { Route } from "../routing/route.js";

/** The head of a request that went to a plugin, kept for when its client repeats the request. */
export class SentHead implements RepeatedHead {
  readonly init: RequestInit;
  encoded: Uint8Array | undefined = undefined;
  readonly #route: Route;
  readonly #fields: RequestFields;
  readonly #mayTunnel: boolean;

  /** `init` is what was made of the others, for a request without context. */
  constructor(init: RequestInit, route: Route, fields: RequestFields, plugin: ExchangePlugin) {
    this.init = init;
    this.#route = route;
    this.#fields = fields;
    this.#mayTunnel = plugin.mayTunnel;
  }

  /** Whether a request without context, which goes there, gets the same head. */
  isFor(route: Route, fields: RequestFields, plugin: ExchangePlugin): boolean {
    return route === this.#route && fields === this.#fields && plugin.mayTunnel === this.#mayTunnel;
  }
}

/**
 * The head of a request that its client repeats: all but the id and the deadline is that of the one
 * before. Hot: the small GET of `apps/bench`.
 */
export class RepeatedInit implements RequestInit {
  readonly repeats: SentHead;
  readonly requestId: string;
  readonly deadlineUnixMs: number;

  constructor(repeats: SentHead, requestId: string, deadlineUnixMs: number) {
    this.repeats = repeats;
    this.requestId = requestId;
    this.deadlineUnixMs = deadlineUnixMs;
  }

  get method(): string {
    return this.repeats.init.method;
  }

  get url(): string {
    return this.repeats.init.url;
  }

  get requestUri(): string {
    return this.repeats.init.requestUri;
  }

  get basePath(): string {
    return this.repeats.init.basePath;
  }

  get fullPath(): boolean {
    return this.repeats.init.fullPath;
  }

  get protocol(): string {
    return this.repeats.init.protocol;
  }

  get protocolMajor(): number {
    return this.repeats.init.protocolMajor;
  }

  get protocolMinor(): number {
    return this.repeats.init.protocolMinor;
  }

  get host(): string {
    return this.repeats.init.host;
  }

  get remoteAddress(): string {
    return this.repeats.init.remoteAddress;
  }

  get headers(): FieldList {
    return this.repeats.init.headers;
  }

  get contentLength(): number {
    return this.repeats.init.contentLength;
  }

  get context(): Readonly<Record<string, string>> {
    return this.repeats.init.context;
  }

  get scheme(): "http" | "https" {
    return this.repeats.init.scheme;
  }

  get expectContinue(): boolean {
    return this.repeats.init.expectContinue;
  }

  get hijackable(): boolean {
    return this.repeats.init.hijackable;
  }

  get clientConnectionId(): string | undefined {
    return this.repeats.init.clientConnectionId;
  }
}
