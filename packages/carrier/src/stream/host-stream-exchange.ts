import {
  advanceResponse,
  bodyBytesOf,
  type ExchangeChannel,
  initialResponseOrder,
  isResponseOver,
  mergeRequestParts,
  type PartReceiver,
  type RequestParts,
  type ResponseOrder,
  type ResponseParts,
  Room,
  ServeHTTPError,
} from "@servehttp/contract";
import { errorCode } from "../http2/frames.js";
import type { HostStream, HostStreamListener } from "../http2/host-stream.js";
import { answeredMs } from "../limits.js";
import { answered } from "../schedule/answered.js";
import { brokenOrder, errorOfStatus, grpcProblem, neverReached } from "../wire/grpc-status.js";
import type { HeaderFields } from "../wire/header-fields.js";
import { readResponseParts } from "../wire/read-parts.js";
import type { RepeatedHeads } from "../wire/repeated-heads.js";
import { WireReader } from "../wire/wire-reader.js";
import { MessageReader, type MessageTaker } from "./message-reader.js";
import { streamResetCode } from "./stream-reset-codes.js";

/** Bytes of an exchange that may wait before its sender is made to wait: 128 KiB. */
const unsentBytesMax = 131_072;

/** What carries the exchanges of a plugin on streams. */
export interface StreamCarrier {
  /** The response heads that its plugin sends again and again. */
  readonly heads: RepeatedHeads;
  /** Calls `flush` when this turn has brought about what it does. */
  plan(exchange: HostStreamExchange): void;
  /** Opens a stream with this first message. Undefined where there is no room for it. */
  openStream(
    listener: HostStreamListener,
    parts: RequestParts,
    last: boolean,
  ): HostStream | undefined;
  /** Sends a message on a stream. */
  writeTo(stream: HostStream, parts: RequestParts, last: boolean): void;
  /**
   * Whether so many more bytes of a request may be kept for being sent again; a negative number
   * gives them back.
   */
  keep(bytes: number): boolean;
  /** The exchange is over. */
  forget(exchange: HostStreamExchange): void;
}

/**
 * The host's end of an exchange on the stream carrier: one `ServeHTTP` RPC.
 *
 * Only the `end` part proves that a response is complete. Everything else by which a stream can
 * cease (trailers of whatever status, RST_STREAM of whatever code, a clean END_STREAM, the loss of
 * the connection) aborts it.
 */
export class HostStreamExchange
  implements ExchangeChannel<RequestParts>, MessageTaker, HostStreamListener
{
  readonly #carrier: StreamCarrier;
  readonly #receiver: PartReceiver<ResponseParts>;
  #stream: HostStream | undefined;
  #messageReader: MessageReader | undefined;
  /** What waits to be sent. */
  #pending: RequestParts | undefined;
  /** The first message, as long as the plugin may not have got any: they can be sent again. */
  #first: RequestParts | undefined;
  /** What was sent behind the first message, while that is kept. */
  #more: RequestParts[] | undefined;
  #keptBytes = 0;
  #triedAgain = false;
  /** Whether the head of the RPC's response has come. */
  #begun = false;
  /** How the plugin ended the RPC. */
  #status: HeaderFields | undefined;
  #order: ResponseOrder = initialResponseOrder;
  /** open -> over [#finish], when the response is complete or either side gave up. */
  #state: "open" | "over" = "open";
  #hijackable = false;
  /** Whether the request is complete; the tunnel that it may become may follow. */
  #requestEnded = false;
  /** Whether nothing may follow any more. */
  #requestSent = false;
  readonly #room = new Room();
  /**
   * Runs while a plugin that has answered has not ended the RPC, and the request is not all there.
   */
  #answeredTimer: NodeJS.Timeout | undefined;

  constructor(carrier: StreamCarrier, receiver: PartReceiver<ResponseParts>) {
    this.#carrier = carrier;
    this.#receiver = receiver;
  }

  send(parts: RequestParts): void | Promise<void> {
    if (this.#state === "over" || this.#requestSent) {
      return undefined;
    }
    if (parts.init?.hijackable === true) {
      this.#hijackable = true;
    }
    if (this.#pending === undefined) {
      this.#pending = parts;
      this.#carrier.plan(this);
    } else if (!mergeRequestParts(this.#pending, parts)) {
      this.#write(this.#pending, false);
      this.#pending = parts;
    }
    this.#requestEnded ||= parts.end !== undefined;
    // Behind the `end` of a request that may become a tunnel, the tunnel follows.
    if (parts.tunnelEnd === true || (parts.end !== undefined && !this.#hijackable)) {
      this.#requestSent = true;
      if (isResponseOver(this.#order)) {
        // The other way of the tunnel has ended before.
        this.flush();
        this.#finish(undefined);
      }
    }
    const stream = this.#stream;
    if (stream === undefined || stream.unsentBytes <= unsentBytesMax) {
      return undefined;
    }
    stream.awaitRoom();
    return this.#room.wait();
  }

  /** Sends what waits. */
  flush(): void {
    const pending = this.#pending;
    if (pending !== undefined) {
      this.#pending = undefined;
      this.#write(pending, this.#requestSent);
    }
  }

  reset(error: ServeHTTPError): void {
    if (this.#state === "open") {
      this.#finish(error);
      // What was never sent needs no reset.
      this.#stream?.reset(streamResetCode(error.code));
    }
  }

  receiveHead(fields: HeaderFields): void {
    this.#forgetSent();
    this.#begun = true;
    const problem = grpcProblem(fields);
    if (problem !== undefined) {
      this.#fail(problem);
    }
  }

  receiveData(octets: Buffer): void {
    this.#messageReader?.push(octets);
  }

  takeMessage(message: Buffer): void | Promise<void> {
    const parts = readResponseParts(new WireReader(message), this.#carrier.heads);
    try {
      this.#order = advanceResponse(this.#order, parts);
    } catch (error) {
      throw brokenOrder(ServeHTTPError.from(error));
    }
    if (parts.hijack === true) {
      this.#stream?.expect(Number.POSITIVE_INFINITY);
    }
    if (parts.end !== undefined || (isResponseOver(this.#order) && this.#requestSent)) {
      this.#complete();
    }
    return this.#receiver.receive(parts);
  }

  inputFailed(error: ServeHTTPError): void {
    this.#fail(error);
  }

  receiveEnd(trailers: HeaderFields): void {
    this.#status = trailers;
    if (this.#order === "ended") {
      this.#giveRestUp();
    } else {
      this.#messageReader?.end();
    }
  }

  /** Every message was taken, and the plugin has ended its way. A tunnel goes on the other way. */
  inputEnded(): void {
    if (!isResponseOver(this.#order)) {
      this.#fail(this.#statusError());
    }
  }

  hasRoom(): void {
    this.#room.open();
  }

  receiveReset(code: number): void {
    if (code === errorCode.refusedStream && !this.#begun) {
      // Refused before anything was done with it (RFC 9113, section 8.7), for want of room mostly:
      // another connection may have some.
      const first = this.#first;
      if (this.#state === "open" && first !== undefined && !this.#triedAgain) {
        this.#triedAgain = true;
        this.#tryAgain(first);
      } else {
        this.failed(new ServeHTTPError("unavailable", "the plugin refused the stream"), true);
      }
      return;
    }
    // Of a tunnel: the plugin has ended its way, and takes no more of ours.
    const isAnswered = code === errorCode.noError && isResponseOver(this.#order);
    this.#fail(isAnswered ? answered : resetError(code));
  }

  failed(error: ServeHTTPError, unprocessed: boolean): void {
    const isUnsent = this.#stream === undefined;
    if (isUnsent || (unprocessed && this.#first !== undefined)) {
      this.#failUnsent(neverReached(error));
    } else {
      this.#fail(unprocessed ? neverReached(error) : error);
    }
  }

  /** Sends on another connection what did not get through on the one that was chosen. */
  #tryAgain(first: RequestParts): void {
    const more = this.#more ?? [];
    this.#forgetSent();
    this.#stream = undefined;
    this.#messageReader = undefined;
    const isLast = (left: number): boolean =>
      left === 0 && this.#requestSent && this.#pending === undefined;
    this.#write(first, isLast(more.length));
    for (const [at, parts] of more.entries()) {
      this.#write(parts, isLast(more.length - at - 1));
    }
    // Who waits for room waits on the stream that is gone.
    this.#room.open();
  }

  #write(parts: RequestParts, last: boolean): void {
    if (this.#stream !== undefined) {
      this.#keepMore(parts);
      this.#carrier.writeTo(this.#stream, parts, last);
      return;
    }
    if (this.#first !== undefined) {
      // Behind a first message for which there was no room.
      (this.#more ??= []).push(parts);
      return;
    }
    this.#first = parts;
    const stream = this.#carrier.openStream(this, parts, last);
    if (stream === undefined) {
      // Not at once: whoever sends is not to be called back meanwhile.
      process.nextTick(() => this.#failUnsent(noRoom()));
      return;
    }
    this.#stream = stream;
    this.#messageReader = new MessageReader(stream, this);
  }

  #keepMore(parts: RequestParts): void {
    if (this.#first === undefined) {
      return;
    }
    const bytes = bodyBytesOf(parts);
    if (this.#stream?.seen === true || !this.#carrier.keep(bytes)) {
      this.#forgetSent();
      return;
    }
    this.#keptBytes += bytes;
    (this.#more ??= []).push(parts);
  }

  #forgetSent(): void {
    this.#first = undefined;
    if (this.#more !== undefined) {
      this.#more = undefined;
      this.#carrier.keep(-this.#keptBytes);
      this.#keptBytes = 0;
    }
  }

  /** The response is complete: the plugin needs no more of the request. */
  #complete(): void {
    const stream = this.#stream;
    if (this.#requestEnded) {
      // All of it was sent, so its end is no lie; no tunnel follows.
      this.#requestSent = true;
      this.flush();
      stream?.end();
    }
    this.#finish(answered);
    if (stream === undefined || stream.sentAll) {
      return;
    }
    if (this.#status !== undefined) {
      this.#giveRestUp();
    } else {
      this.#answeredTimer = setTimeout(() => this.#giveRestUp(), answeredMs);
      this.#answeredTimer.unref();
    }
  }

  /**
   * The plugin is done with the RPC. What is missing of the request, if anything, must not look as
   * if it were all.
   */
  #giveRestUp(): void {
    clearTimeout(this.#answeredTimer);
    this.#stream?.reset(errorCode.cancel);
  }

  /** The other side, or the connection, gave up. */
  #fail(error: ServeHTTPError): void {
    if (this.#state === "over") {
      clearTimeout(this.#answeredTimer);
      // Of a tunnel whose last bytes wait.
      this.#room.close(error);
      return;
    }
    this.#finish(error);
    this.#stream?.reset(errorCode.cancel);
    this.#receiver.abort(error);
  }

  /** The same, where the plugin has done nothing with the request: it is given back. */
  #failUnsent(error: ServeHTTPError): void {
    if (this.#state === "over") {
      this.#fail(error);
      return;
    }
    const sent = [this.#first, ...(this.#more ?? []), this.#pending];
    const unsent = sent.filter((parts) => parts !== undefined);
    this.#finish(error);
    this.#receiver.abort(error, unsent);
  }

  /** What still comes is discarded; what was sent goes. */
  #finish(error: ServeHTTPError | undefined): void {
    this.#state = "over";
    this.#forgetSent();
    this.#pending = undefined;
    this.#messageReader?.discard();
    if (error !== undefined) {
      this.#room.close(error);
    }
    this.#carrier.forget(this);
  }

  /** What it means that the RPC ended without the end of its response. */
  #statusError(): ServeHTTPError {
    return errorOfStatus(this.#status?.["grpc-status"], this.#status?.["grpc-message"]);
  }
}

/** What a reset means whose response is not complete. */
function resetError(code: number): ServeHTTPError {
  switch (code) {
    case errorCode.noError:
      return errorOfStatus(undefined, undefined);
    case errorCode.internalError:
      return new ServeHTTPError("handler-failed", "the plugin reset the stream");
    default:
      return new ServeHTTPError(
        "connection-lost",
        `the plugin reset the stream before the response was complete (HTTP/2 code ${code})`,
      );
  }
}

function noRoom(): ServeHTTPError {
  return new ServeHTTPError("overload", "the plugin's server takes no more streams");
}
