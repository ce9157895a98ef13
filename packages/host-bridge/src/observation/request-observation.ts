import type { Duplex } from "node:stream";
import { type FieldList, ServeHTTPError } from "@servehttp/contract";
import type { ClientResponse } from "../client/client-response.js";
import type { IncomingRequest } from "../client/incoming-request.js";
import type { ResponseHead } from "../edge/response-head.js";
import type { RequestFields, TraceContextFields } from "../edge/request-fields.js";
import type { RequestOutcome } from "./outcome.js";
import type { ObservedRequest, RequestObserver, RequestTrace } from "./request-observer.js";
import { rootTrace } from "./root-trace.js";
import type { RunningExchange, TunnelBytes, WatchedRequest } from "./watched-request.js";

/** One function of an observer. It does not throw. */
export type Watch = (request: ObservedRequest) => void;

/** The functions of all observers, by what they are told. */
export type Watching = { readonly [Name in keyof RequestObserver]-?: readonly Watch[] };

/**
 * One request while somebody watches it, and what stands before its response to see what is written
 * there: one object for both, so that a request costs no more than this one.
 */
export class RequestObservation implements ObservedRequest, WatchedRequest, ClientResponse {
  readonly #watching: Watching;
  readonly #request: IncomingRequest;
  readonly #fields: RequestFields | undefined;
  readonly pluginId: string | undefined;
  readonly target: string;
  readonly requestId: string | undefined;
  readonly startedMs: number;
  /** A text: the `traceparent` of a trace that begins with it, of which nobody has read more yet. */
  #trace: RequestTrace | string | undefined;
  traceFields: FieldList | undefined;
  status: number | undefined = undefined;
  outcome: RequestOutcome | undefined = undefined;
  error: ServeHTTPError | undefined = undefined;
  timesGivenBack = 0;
  // What metrics and traces keep by it: a map of requests would take longer.
  measured: unknown = undefined;
  span: unknown = undefined;
  #response: ClientResponse | undefined = undefined;
  #exchange: RunningExchange | undefined = undefined;
  #tunnel: TunnelBytes | undefined = undefined;
  #bodyAllowed = true;
  #bodyBytes = 0;
  #headAtMs = 0;
  #overAtMs = 0;
  #waitedMs = 0;
  /** 0 while it does not wait. */
  #waitsSinceMs = 0;

  constructor(
    watching: Watching,
    request: IncomingRequest,
    target: string,
    pluginId: string | undefined,
    fields: RequestFields | undefined,
    requestId: string | undefined,
    traceParent: string | undefined,
  ) {
    this.#watching = watching;
    this.#request = request;
    this.#fields = fields;
    this.pluginId = pluginId;
    this.target = target;
    this.requestId = requestId;
    this.#trace = traceParent;
    // Whoever records it may set more.
    this.traceFields = traceParent === undefined ? undefined : ["traceparent", traceParent];
    this.startedMs = performance.now();
    this.#tell(watching.began);
  }

  // What observers read.

  get method(): string {
    return this.#request.method;
  }

  get trace(): RequestTrace | undefined {
    if (typeof this.#trace === "string") {
      this.#trace = rootTrace(this.#trace);
    }
    return this.#trace;
  }

  set trace(trace: RequestTrace | undefined) {
    this.#trace = trace;
  }

  get basePath(): string | undefined {
    return this.#fields?.basePath;
  }

  get traceContext(): TraceContextFields | undefined {
    return this.#fields?.traceContext;
  }

  /** There where requests with the same fields come again and again on a connection. */
  get lineMemo(): { made: unknown } | undefined {
    return this.#fields?.lineMemo;
  }

  get scheme(): "http" | "https" {
    return this.#fields?.scheme ?? this.#request.scheme;
  }

  get host(): string {
    return this.#fields?.host ?? this.field("host") ?? this.field(":authority") ?? "";
  }

  get clientAddress(): string {
    return this.#fields?.remoteAddress ?? this.#request.remoteAddress;
  }

  get httpVersion(): string {
    const { versionMajor, versionMinor } = this.#request;
    return versionMajor > 1 ? "2" : versionMinor === 0 ? "1.0" : "1.1";
  }

  get calledBy(): string | undefined {
    return this.#request.call?.pluginId;
  }

  get isTunnel(): boolean {
    return this.#tunnel !== undefined;
  }

  get waitedMs(): number {
    const since = this.#waitsSinceMs;
    return this.#waitedMs + (since === 0 ? 0 : performance.now() - since);
  }

  get headMs(): number | undefined {
    return this.#headAtMs === 0 ? undefined : this.#headAtMs - this.startedMs;
  }

  get totalMs(): number | undefined {
    return this.outcome === undefined ? undefined : this.#overAtMs - this.startedMs;
  }

  get requestBytes(): number {
    return this.#tunnel?.bytesFromClient ?? this.#exchange?.requestBytes ?? 0;
  }

  get responseBytes(): number {
    return this.#tunnel?.bytesToClient ?? this.#bodyBytes;
  }

  field(name: string): string | undefined {
    const { rawHeaders } = this.#request;
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      const given = rawHeaders[at] as string;
      if (given.length === name.length && given.toLowerCase() === name) {
        return rawHeaders[at + 1];
      }
    }
    return undefined;
  }

  stop(reason: ServeHTTPError): void {
    this.#exchange?.stop(reason);
  }

  // What the host tells.

  waits(): void {
    if (this.#waitsSinceMs === 0) {
      this.#waitsSinceMs = performance.now();
    }
    this.#tell(this.#watching.waiting);
  }

  sent(exchange: RunningExchange): void {
    this.#exchange = exchange;
    this.#stopsWaiting();
    this.#tell(this.#watching.sent);
  }

  givenBack(): void {
    this.timesGivenBack += 1;
    this.#tell(this.#watching.givenBack);
    this.waits();
  }

  becameTunnel(tunnel: TunnelBytes): void {
    this.#tunnel = tunnel;
    this.status = this.#request.versionMajor === 1 ? 101 : 200;
    this.#headAtMs = performance.now();
    this.#tell(this.#watching.becameTunnel);
  }

  open(response: ClientResponse): ClientResponse {
    this.#response = response;
    return this;
  }

  over(outcome: RequestOutcome, error?: ServeHTTPError): void {
    if (this.outcome !== undefined) {
      return;
    }
    this.#stopsWaiting();
    if (this.#overAtMs === 0) {
      this.#overAtMs = performance.now();
    }
    this.outcome = outcome;
    this.error = error;
    this.#tell(this.#watching.over);
  }

  answered(outcome: RequestOutcome, error?: ServeHTTPError): void {
    this.over(this.status === undefined ? "client-disconnected" : outcome, error);
  }

  handled(status: number | undefined, outcome: RequestOutcome): void {
    this.status = status;
    this.over(outcome);
  }

  /** By index: what comes with iterating would be a third of the garbage of a small GET. */
  #tell(watches: readonly Watch[]): void {
    for (let at = 0; at < watches.length; at += 1) {
      (watches[at] as Watch)(this);
    }
  }

  #stopsWaiting(): void {
    if (this.#waitsSinceMs !== 0) {
      this.#waitedMs += performance.now() - this.#waitsSinceMs;
      this.#waitsSinceMs = 0;
    }
  }

  // What is written to the response.

  get closed(): boolean {
    return this.#opened.closed;
  }

  informational(status: number, fields: FieldList): void {
    this.#opened.informational(status, fields);
  }

  respond(head: ResponseHead, body: Uint8Array | undefined, trailers: FieldList): void {
    try {
      this.#opened.respond(head, body, trailers);
    } catch (thrown) {
      // The application's own middleware around the response.
      if (this.#exchange === undefined) {
        this.over("host-error", ServeHTTPError.from(thrown));
      }
      throw thrown;
    }
    this.#sendsHead(head);
    // What comes behind a whole response takes no time of the client's.
    this.#overAtMs = this.#headAtMs;
    if (body !== undefined) {
      this.#sendsBody(body);
    }
  }

  begin(head: ResponseHead): void {
    this.#opened.begin(head);
    this.#sendsHead(head);
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.#sendsBody(chunk);
    return this.#opened.write(chunk);
  }

  flush(): void {
    this.#opened.flush();
  }

  end(trailers: FieldList): void {
    this.#opened.end(trailers);
  }

  break(): void {
    this.#opened.break();
  }

  discardRequestBody(): void {
    this.#opened.discardRequestBody();
  }

  hijack(): Duplex | undefined {
    return this.#opened.hijack();
  }

  release(): void {
    this.#opened.release();
  }

  get #opened(): ClientResponse {
    return this.#response as ClientResponse;
  }

  #sendsHead({ status, bodyAllowed }: ResponseHead): void {
    this.status = status;
    this.#bodyAllowed = bodyAllowed;
    this.#headAtMs = performance.now();
    this.#tell(this.#watching.head);
  }

  #sendsBody({ length }: Uint8Array): void {
    if (!this.#bodyAllowed || length === 0) {
      return;
    }
    const isFirst = this.#bodyBytes === 0;
    this.#bodyBytes += length;
    if (isFirst) {
      this.#tell(this.#watching.bodyBegan);
    }
  }
}
