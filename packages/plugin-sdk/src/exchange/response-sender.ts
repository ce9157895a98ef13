import {
  bodyChunkBytesMax,
  type ExchangeChannel,
  type FieldList,
  fieldProblem,
  type Logger,
  noFields,
  plainEnd,
  type RequestInit,
  type ResponseInit,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { checkedReason } from "../handler/check-field.js";
import { fieldsOf, HeaderList, replaceFields } from "../handler/header-list.js";
import {
  type HeadersInput,
  readWriteHeadHeaders,
  type WriteHeadHeaders,
} from "../handler/read-headers.js";
import type { HijackedConnection, ResponseWriter } from "../handler/response-writer.js";
import { clientOf } from "./client-socket.js";
import { InterimResponses } from "./interim-responses.js";
import { toBytes } from "./to-bytes.js";
import { TunnelSocket } from "./tunnel-socket.js";
import { rejected, settledBy } from "./write-promise.js";

/** What the sender tells the request of its exchange. */
export interface RequestOfResponse {
  /** The exchange has failed. */
  abort(error: ServeHTTPError): void;
  /** The response has ended. */
  answered(): void;
  /** The handler took over the client's connection. */
  hijacked(): void;
}

/**
 * The response as the handler writes it, turned into parts for the carrier. A response that is
 * written and ended at once is one call of `send`. Writes that find room all return the same
 * promise. This is the hot path of the `small GET` cases of apps/bench.
 *
 * open -> committed [#commit]; open -> hijacked [hijack]; committed -> ended [end]
 * open, committed, hijacked -> failed [abort]
 */
export class ResponseSender implements ResponseWriter {
  readonly #channel: ExchangeChannel<ResponseParts>;
  readonly #init: RequestInit;
  readonly #request: RequestOfResponse;
  readonly #logger: Logger;
  readonly #interim: InterimResponses;
  #state: State = open;
  #headers: HeaderList | undefined;
  #trailers: HeaderList | undefined;
  // The committed head, until it goes out with the first part behind it.
  #head: ResponseInit | undefined;
  #status: number | undefined;
  #hasWarned = false;

  constructor(
    channel: ExchangeChannel<ResponseParts>,
    init: RequestInit,
    request: RequestOfResponse,
    logger: Logger,
  ) {
    this.#channel = channel;
    this.#init = init;
    this.#request = request;
    this.#logger = logger;
    this.#interim = new InterimResponses(channel, init.expectContinue);
  }

  get headers(): HeaderList {
    return (this.#headers ??= new HeaderList());
  }

  get trailers(): HeaderList {
    return (this.#trailers ??= new HeaderList());
  }

  get committed(): boolean {
    return this.#state.at !== "open";
  }

  /** The status of the committed head; 101 for a connection that was taken over. */
  get status(): number | undefined {
    return this.#status;
  }

  /** Whether the response is complete as far as the handler goes: ended, hijacked or given up. */
  get isSettled(): boolean {
    return this.#state.at !== "open" && this.#state.at !== "committed";
  }

  /** Why the exchange was given up, once it was. */
  get failure(): ServeHTTPError | undefined {
    return this.#state.at === "failed" ? this.#state.error : undefined;
  }

  /** The tunnel, once there is one. */
  get tunnel(): TunnelSocket | undefined {
    return this.#state.at === "hijacked" ? this.#state.tunnel : undefined;
  }

  writeHead(
    status: number,
    reasonOrHeaders?: string | WriteHeadHeaders,
    headersBehindReason?: WriteHeadHeaders,
  ): void {
    if (this.#state.at !== "open") {
      this.#warnOnce(status);
      return;
    }
    let reason: string | undefined;
    let headers = headersBehindReason;
    if (typeof reasonOrHeaders === "string") {
      reason = checkedReason(status, reasonOrHeaders);
    } else if (reasonOrHeaders !== undefined && reasonOrHeaders !== null) {
      headers = reasonOrHeaders;
    }
    const given =
      headers === undefined || headers === null ? noFields : readWriteHeadHeaders(headers);
    if (isInformational(status)) {
      const refusal = this.#sendInformational(status, this.#headersWith(given));
      if (refusal !== undefined) {
        throw refusal;
      }
    } else {
      if (given.length > 0) {
        replaceFields(this.headers, given);
      }
      this.#commit(status, reason);
    }
  }

  write(chunk: Uint8Array | string): Promise<void> {
    const bytes = toBytes(chunk);
    const refusal = this.#prepare();
    if (refusal !== undefined) {
      return rejected(refusal);
    }
    return settledBy(this.#sendBody(bytes, false));
  }

  flush(): Promise<void> {
    const refusal = this.#prepare();
    if (refusal !== undefined) {
      return rejected(refusal);
    }
    const parts = this.#takeHead();
    parts.flush = true;
    return settledBy(this.#channel.send(parts));
  }

  informational(status: number, fields: HeadersInput = []): Promise<void> {
    const refusal = this.#sendInformational(status, fields);
    return refusal === undefined ? settledBy(undefined) : rejected(refusal);
  }

  end(chunk?: Uint8Array | string): Promise<void> {
    const bytes = chunk === undefined ? undefined : toBytes(chunk);
    const refusal = this.#prepare();
    if (refusal !== undefined) {
      return rejected(refusal);
    }
    const trailers = this.#trailers === undefined ? noFields : fieldsOf(this.#trailers);
    const problem = trailers.length === 0 ? undefined : fieldProblem(trailers);
    if (problem !== undefined) {
      return rejected(this.#fail(`the response's trailers: ${problem}`));
    }
    const room = this.#sendBody(bytes, true);
    this.#state = ended;
    this.#request.answered();
    return settledBy(room);
  }

  async hijack(): Promise<HijackedConnection> {
    if (this.#state.at === "committed" || this.#state.at === "ended") {
      throw new ServeHTTPError(
        "already-committed",
        "the response has begun, so the connection can't be taken over",
      );
    }
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      throw refusal;
    }
    if (!this.#init.hijackable) {
      throw new ServeHTTPError(
        "hijack-not-possible",
        "this client's connection can't be taken over: the request is no upgrade that the host allows, or it came over HTTP/2",
      );
    }
    const client = clientOf(this.#init.remoteAddress, this.#init.scheme);
    const socket = new TunnelSocket(this.#channel, client);
    this.#state = { at: "hijacked", tunnel: socket };
    this.#status = 101;
    this.#request.hijacked();
    await this.#channel.send({ hijack: true });
    const head = this.#init.tunnelHead;
    return {
      socket,
      head:
        head === undefined
          ? Buffer.alloc(0)
          : Buffer.from(head.buffer, head.byteOffset, head.length),
    };
  }

  extendHeadDeadline(ms: number): void {
    if (!Number.isInteger(ms) || ms <= 0 || ms > extendHeadMsMax) {
      throw new ServeHTTPError(
        "invalid-argument",
        `extendHeadDeadline(${ms}): give milliseconds as a whole number from 1 to ${extendHeadMsMax}`,
      );
    }
    if (this.#state.at === "open") {
      void settledBy(this.#channel.send({ extendHeadMs: ms }));
    }
  }

  /** The exchange was given up: by the carrier, or because of the handler. */
  abort(error: ServeHTTPError): void {
    const tunnel = this.tunnel;
    if (!this.isSettled || tunnel !== undefined) {
      this.#state = { at: "failed", error };
      tunnel?.abort(error);
    }
  }

  /** Asks the client for the body that it holds back. Returns why that is not possible. */
  askForBody(): ServeHTTPError | undefined {
    if (!this.#interim.isContinueDue) {
      return undefined;
    }
    if (this.#state.at === "committed") {
      return new ServeHTTPError(
        "already-committed",
        "the client waits for a 100 (Continue), which can't follow the response's head: read the body, or call " +
          "informational(100), before the first write",
      );
    }
    return this.#sendInformational(100, []);
  }

  #sendInformational(status: number, fields: HeadersInput): ServeHTTPError | undefined {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      return refusal;
    }
    if (this.#state.at !== "open") {
      return new ServeHTTPError(
        "already-committed",
        "an informational response can't follow the final head",
      );
    }
    return this.#interim.send(status, fields);
  }

  /** A copy of the headers with these in place of those of the same names. */
  #headersWith(fields: FieldList): HeaderList {
    const headers = new HeaderList(this.#headers);
    replaceFields(headers, fields);
    return headers;
  }

  /** Why nothing can be written any more. */
  #refusal(): ServeHTTPError | undefined {
    switch (this.#state.at) {
      case "open":
      case "committed":
        return undefined;
      case "ended":
        return new ServeHTTPError("already-ended", "the response has ended");
      case "hijacked":
        return new ServeHTTPError("already-hijacked", "the connection was taken over");
      case "failed":
        break;
    }
    return this.#state.error;
  }

  /** Commits the head unless it is. Returns why nothing can be written. */
  #prepare(): ServeHTTPError | undefined {
    if (this.#state.at === "open") {
      this.#commit(200);
    }
    return this.#refusal();
  }

  /** Commits the head. A head that can't be committed makes the exchange fail. */
  #commit(status: number, reason?: string): void {
    if (!Number.isInteger(status) || status < 200 || status > 999) {
      const hint = status === 101 ? "; hijack() takes a connection over" : "";
      this.#fail(`writeHead(${status}): a final status is 200 to 999${hint}`);
      return;
    }
    const headers = this.#headers === undefined ? noFields : fieldsOf(this.#headers);
    const problem = fieldProblem(headers);
    if (problem !== undefined) {
      this.#fail(`the response's headers: ${problem}`);
      return;
    }
    this.#state = committed;
    this.#status = status;
    this.#head = reason === undefined ? { status, headers } : { status, headers, reason };
  }

  #takeHead(): ResponseParts {
    if (this.#head === undefined) {
      return {};
    }
    const parts: ResponseParts = { init: this.#head };
    this.#head = undefined;
    return parts;
  }

  #sendBody(bytes: Uint8Array | undefined, isLast: boolean): void | Promise<void> {
    let parts = this.#takeHead();
    if (bytes !== undefined && bytes.length > 0) {
      let at = 0;
      // The slices share the handler's memory, so sending them without waiting holds no more of it.
      while (bytes.length - at > bodyChunkBytesMax) {
        parts.chunk = bytes.subarray(at, at + bodyChunkBytesMax);
        void settledBy(this.#channel.send(parts));
        at += bodyChunkBytesMax;
        parts = {};
      }
      parts.chunk = at === 0 ? bytes : bytes.subarray(at);
    } else if (parts.init === undefined && !isLast) {
      return undefined;
    }
    if (isLast) {
      const trailers = this.#trailers === undefined ? noFields : fieldsOf(this.#trailers);
      parts.end = trailers.length === 0 ? plainEnd : { trailers };
    }
    return this.#channel.send(parts);
  }

  /** The handler answered something impossible: the client gets 500, or a broken transfer. */
  #fail(message: string): ServeHTTPError {
    this.#logger.error({ requestId: this.#init.requestId }, message);
    const error = new ServeHTTPError("handler-failed", message);
    this.#state = { at: "failed", error };
    this.#channel.reset(error);
    this.#request.abort(error);
    return error;
  }

  #warnOnce(status: number): void {
    if (this.#hasWarned || this.#state.at === "failed") {
      return;
    }
    this.#hasWarned = true;
    this.#logger.warn(
      { requestId: this.#init.requestId, status },
      "writeHead is ignored: the response's head is committed",
    );
  }
}

type State =
  | { readonly at: "open" }
  | { readonly at: "committed" }
  | { readonly at: "ended" }
  | { readonly at: "hijacked"; readonly tunnel: TunnelSocket }
  | { readonly at: "failed"; readonly error: ServeHTTPError };

const open: State = { at: "open" };
const committed: State = { at: "committed" };
const ended: State = { at: "ended" };

function isInformational(status: number): boolean {
  return Number.isInteger(status) && status >= 100 && status <= 199 && status !== 101;
}

const extendHeadMsMax = 4_294_967_295;
