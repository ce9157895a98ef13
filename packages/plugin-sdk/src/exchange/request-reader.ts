import type { Context } from "@opentelemetry/api";
import {
  type Logger,
  type RequestInit,
  type RequestParts,
  ServeHTTPError,
  traceParentOf,
} from "@servehttp/contract";
import { BodyReader } from "./body-reader.js";
import { ExchangeLog } from "./exchange-log.js";
import { type HeaderList, headerListOf } from "../handler/header-list.js";
import { bufferedBodyBytesDefault } from "../limits.js";
import { type CallMaker, noCalls, type PluginCalls } from "../handler/plugin-calls.js";
import type { BufferOptions, PluginRequest } from "../handler/plugin-request.js";
import type { RequestLog } from "../handler/request-log.js";
import type { ServerSpan } from "../tracing/server-span.js";
import { originalUrlOf } from "./original-url.js";

/** What a request shares with the others of its plugin. */
export interface SharedByRequests {
  readonly logger: Logger;
  /** Makes calls to other plugins. Default: there are none. */
  readonly calls?: CallMaker | undefined;
}

/**
 * The request as the handler reads it. The carrier puts its parts here. What a small request does
 * not need (a list of headers, a date, an AbortController) is made when the handler asks for it:
 * this is the hot path of the `small GET` cases of apps/bench.
 */
export class RequestReader implements PluginRequest {
  readonly method: string;
  readonly url: string;
  /** There where the request is traced. Set before the handler runs. */
  span: ServerSpan | undefined;
  readonly #init: RequestInit;
  readonly #body: BodyReader;
  readonly #shared: SharedByRequests;
  #log: RequestLog | undefined;
  #plugins: PluginCalls | undefined;
  #headers: HeaderList | undefined;
  #deadline: Date | undefined;
  #abort: AbortController | undefined;
  #abortReason: ServeHTTPError | undefined;

  /**
   * @param askForBody sends the 100 (Continue) that the client waits for; returns why it can't be
   * sent
   */
  constructor(
    init: RequestInit,
    askForBody: (() => ServeHTTPError | undefined) | undefined,
    shared: SharedByRequests,
  ) {
    this.method = init.method;
    this.url = init.url;
    this.#init = init;
    this.#body = new BodyReader(askForBody);
    this.#shared = shared;
  }

  get basePath(): string {
    return this.#init.basePath;
  }

  get originalUrl(): string {
    return originalUrlOf(this.#init);
  }

  get requestUri(): string {
    return this.#init.requestUri;
  }

  get protocol(): string {
    return this.#init.protocol;
  }

  get protocolMajor(): number {
    return this.#init.protocolMajor;
  }

  get protocolMinor(): number {
    return this.#init.protocolMinor;
  }

  get scheme(): "http" | "https" {
    return this.#init.scheme;
  }

  get host(): string {
    return this.#init.host;
  }

  get remoteAddress(): string {
    return this.#init.remoteAddress;
  }

  get headers(): HeaderList {
    return (this.#headers ??= headerListOf(this.#init.headers));
  }

  get contentLength(): number | undefined {
    return this.#init.contentLength < 0 ? undefined : this.#init.contentLength;
  }

  get expectContinue(): boolean {
    return this.#init.expectContinue;
  }

  get hijackable(): boolean {
    return this.#init.hijackable;
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#body;
  }

  get trailers(): Promise<HeaderList> {
    return this.#body.trailers;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#abortReason !== undefined) {
        this.#abort.abort(this.#abortReason);
      }
    }
    return this.#abort.signal;
  }

  get deadline(): Date | undefined {
    if (this.#init.deadlineUnixMs === 0) {
      return undefined;
    }
    return (this.#deadline ??= new Date(this.#init.deadlineUnixMs));
  }

  get id(): string {
    return this.#init.requestId;
  }

  get context(): Readonly<Record<string, string>> {
    return this.#init.context;
  }

  get connectionId(): string | undefined {
    return this.#init.clientConnectionId;
  }

  get calledBy(): string | undefined {
    return this.#init.calledBy;
  }

  get plugins(): PluginCalls {
    return (this.#plugins ??= (this.#shared.calls ?? noCalls).within(this));
  }

  /** For calls: the context in which this request's span is the active one. */
  get traceContext(): Context | undefined {
    return this.span?.context;
  }

  get log(): RequestLog {
    return (this.#log ??= new ExchangeLog(this.#shared.logger, this.#logFields()));
  }

  async bytes(options: BufferOptions = {}): Promise<Uint8Array> {
    const limitBytes = options.limitBytes ?? bufferedBodyBytesDefault;
    if (!(limitBytes >= 0)) {
      throw new ServeHTTPError(
        "invalid-argument",
        `limitBytes is ${limitBytes}: give a number of bytes, 0 or more`,
      );
    }
    const chunks: Uint8Array[] = [];
    let length = 0;
    if (this.#init.contentLength > limitBytes) {
      this.#body.drop();
      throw tooLarge(limitBytes);
    }
    for await (const chunk of this.#body) {
      length += chunk.length;
      if (length > limitBytes) {
        throw tooLarge(limitBytes);
      }
      chunks.push(chunk);
    }
    return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, length);
  }

  async text(options?: BufferOptions): Promise<string> {
    return utf8.decode(await this.bytes(options));
  }

  async json(options?: BufferOptions): Promise<unknown> {
    return JSON.parse(await this.text(options));
  }

  /** The ids have the names of OpenTelemetry for logs that are not OTLP. */
  #logFields(): Readonly<Record<string, unknown>> {
    const trace = this.span?.ids ?? traceParentOf(this.#init.headers);
    return trace === undefined
      ? { requestId: this.id }
      : { requestId: this.id, trace_id: trace.traceId, span_id: trace.spanId };
  }

  /** From the carrier: the parts of the body. */
  receive(parts: RequestParts): void | Promise<void> {
    if (parts.chunk === undefined && parts.end === undefined) {
      return undefined;
    }
    return this.#body.receive(parts.chunk, parts.end?.trailers);
  }

  /** The exchange was given up. */
  abort(error: ServeHTTPError): void {
    if (this.#abortReason !== undefined) {
      return;
    }
    this.#abortReason = error;
    this.#body.cut(error);
    this.#abort?.abort(error);
  }

  /** The response has ended, so that the host sends no more of the body. */
  answered(): void {
    this.#body.cut(notNeeded);
  }

  /** The handler took over the client's connection. Discards the rest of the body. */
  hijacked(): void {
    this.#body.drop();
  }
}

const utf8 = new TextDecoder();

const notNeeded = new ServeHTTPError(
  "request-not-needed",
  "the response has ended, so the rest of the request's body doesn't come",
);

function tooLarge(limitBytes: number): ServeHTTPError {
  return new ServeHTTPError(
    "body-too-large",
    `the body is longer than the limit of ${limitBytes} bytes: read it chunk by chunk, or give a higher limitBytes`,
  );
}
