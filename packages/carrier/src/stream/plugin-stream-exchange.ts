import {
  constants,
  type Http2Session,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
  type ServerStreamResponseOptions,
} from "node:http2";
import {
  type AcceptExchange,
  advanceExchange,
  advanceRequest,
  type ExchangeChannel,
  type ExchangeState,
  hasEnded,
  initialRequestOrder,
  isRequestOver,
  isTunnel,
  type PartReceiver,
  type RequestOrder,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { statusFields } from "../wire/grpc-status.js";
import type { HeaderFields } from "../wire/header-fields.js";
import { MessageReader, type MessageTaker } from "./message-reader.js";
import { PartWriter } from "./part-writer.js";
import { readRequestMessage } from "../wire/read-parts.js";
import { reasonOfStreamReset } from "./stream-reset-codes.js";
import { WireReader } from "../wire/wire-reader.js";
import type { WireWriter } from "../wire/wire-writer.js";

export const grpcResponseHeaders: OutgoingHttpHeaders = Object.freeze({
  ":status": 200,
  "content-type": "application/grpc+proto",
});

/**
 * No Date field, which nobody reads between host and plugin. Node documents the option, but its
 * types lack it.
 */
const withoutDate = { sendDate: false };

export const grpcResponseOptions: ServerStreamResponseOptions = Object.freeze({
  waitForTrailers: true,
  ...withoutDate,
});

const trailersOnlyOptions: ServerStreamResponseOptions = Object.freeze({
  endStream: true,
  ...withoutDate,
});

const okTrailers: OutgoingHttpHeaders = Object.freeze({ "grpc-status": "0" });

/**
 * How long a host that has its whole response may go on with its request before the stream is
 * closed: 10 s. To reset it at once would make slow readers fail; never to close it would leak a
 * stream for each early answer.
 */
const halfOpenMs = 10_000;

/**
 * The same for an RPC that was refused: 1 s. Long enough for a request that is on its way, and
 * short enough to hold little memory.
 */
const refusedMs = 1_000;

/**
 * How long to wait for the reason when a request was cut off: 20 ms. The reset that has the reason
 * follows the end at once.
 */
const reasonGraceMs = 20;

/** The plugin's end of an exchange on the stream carrier: one `ServeHTTP` RPC. */
export class PluginStreamExchange implements ExchangeChannel<ResponseParts>, MessageTaker {
  readonly #stream: ServerHttp2Stream;
  readonly #session: Http2Session | undefined;
  readonly #receiver: PartReceiver<RequestParts>;
  readonly #partWriter: PartWriter;
  readonly #messageReader: MessageReader;
  #order: RequestOrder = initialRequestOrder;
  #progress: ExchangeState = "open";
  /** open -> over [#finish]: both directions are complete, or either end gave up */
  #state: "open" | "over" = "open";
  #failure: ServeHTTPError | undefined;

  /** `accept` gets the exchange and returns the receiver of its request. */
  constructor(stream: ServerHttp2Stream, writer: WireWriter, accept: AcceptExchange) {
    this.#stream = stream;
    // The stream drops its session when it closes.
    this.#session = stream.session;
    this.#partWriter = new PartWriter(stream, writer, () => respondOnce(stream));
    this.#messageReader = new MessageReader(stream, this);
    this.#receiver = accept(this);
    stream.on("data", (input: Buffer) => this.#messageReader.push(input));
    stream.on("end", () => this.#onEnd());
    stream.on("wantTrailers", () => this.#sendStatus());
    stream.on("error", () => {
      // The close that follows decides what this means.
    });
    stream.on("close", () => this.#onClose());
  }

  send(parts: ResponseParts): void | Promise<void> {
    if (this.#state === "over" || this.#responseSent) {
      return undefined;
    }
    this.#progress = advanceExchange("plugin", this.#progress, parts);
    const last = this.#responseSent;
    const room = this.#partWriter.send(parts, last);
    if (last) {
      this.#partWriter.flush();
      if (this.#progress === "over") {
        this.#finish();
        this.#closeHalfOpen();
      }
    }
    return room;
  }

  reset(error: ServeHTTPError): void {
    if (this.#state === "over") {
      return;
    }
    const stream = this.#stream;
    if (error.code === "request-not-needed" && this.#responseSent) {
      // What was written is still sent, then the status. Then the stream is closed.
      this.#finish();
      stream.once("finish", () => stream.close(constants.NGHTTP2_NO_ERROR));
      if (stream.writableFinished) {
        stream.close(constants.NGHTTP2_NO_ERROR);
      }
      return;
    }
    const { idle } = this.#partWriter;
    this.#failure = error;
    this.#finish();
    this.#partWriter.close(error);
    if (stream.destroyed || stream.closed) {
      return;
    }
    if (!stream.headersSent) {
      respondTrailersOnly(stream, statusFields(error));
    } else if (idle && !stream.writableEnded) {
      stream.end();
    } else {
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    }
    this.#closeHalfOpen();
  }

  takeMessage(message: Buffer): void | Promise<void> {
    const { parts, reset } = readRequestMessage(new WireReader(message));
    if (reset !== undefined) {
      this.#abort(reset);
      return undefined;
    }
    this.#order = advanceRequest(this.#order, parts, isTunnel(this.#progress));
    this.#progress = advanceExchange("host", this.#progress, parts);
    const taken = this.#receiver.receive(parts);
    if (this.#progress === "over") {
      this.#finish();
    }
    return taken;
  }

  inputEnded(): void {
    if (this.#state !== "open" || isRequestOver(this.#order, isTunnel(this.#progress))) {
      return;
    }
    // The request was cut off. Node ends a stream before it reports a reset, and only the reset
    // says why.
    const timer = setTimeout(() => {
      if (this.#state === "open") {
        this.#abort(this.#gone("the request stopped before its end"));
      }
    }, reasonGraceMs);
    this.#stream.once("close", () => clearTimeout(timer));
  }

  inputFailed(error: ServeHTTPError): void {
    if (this.#state === "open") {
      this.reset(error);
      this.#receiver.abort(error);
    }
  }

  /** Whether the last part of the response was sent. */
  get #responseSent(): boolean {
    return hasEnded("plugin", this.#progress);
  }

  #onEnd(): void {
    // A stream ends as well when it was reset or lost with its connection. `close` tells the
    // difference.
    if (!this.#stream.closed) {
      this.#messageReader.end();
    }
  }

  #onClose(): void {
    // A host that closes its connection first resets the streams with the default code.
    const reason =
      this.#stream.rstCode === constants.NGHTTP2_NO_ERROR
        ? connectionLost()
        : this.#gone("the host gave the exchange up");
    this.#partWriter.close(reason);
    if (this.#state === "open") {
      this.#abort(reason);
    }
  }

  #gone(message: string): ServeHTTPError {
    return this.#session === undefined || this.#session.destroyed
      ? connectionLost()
      : new ServeHTTPError(reasonOfStreamReset(this.#stream.rstCode), message);
  }

  #abort(error: ServeHTTPError): void {
    this.#finish();
    this.#partWriter.close(error);
    this.#receiver.abort(error);
    if (!this.#stream.destroyed) {
      this.#stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  /** What still comes is dropped. What waits is still sent, unless the writer is closed as well. */
  #finish(): void {
    this.#state = "over";
    this.#messageReader.discard();
  }

  #sendStatus(): void {
    if (!this.#stream.destroyed && !this.#stream.closed) {
      this.#stream.sendTrailers(
        this.#failure === undefined ? okTrailers : statusFields(this.#failure),
      );
    }
  }

  #closeHalfOpen(): void {
    const stream = this.#stream;
    if (isRequestOver(this.#order, isTunnel(this.#progress)) || stream.closed) {
      return;
    }
    const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), halfOpenMs);
    timer.unref();
    stream.once("close", () => clearTimeout(timer));
  }
}

function connectionLost(): ServeHTTPError {
  return new ServeHTTPError("host-stopping", "the connection to the host was lost");
}

function respondOnce(stream: ServerHttp2Stream): void {
  if (!stream.headersSent && !stream.destroyed && !stream.closed) {
    stream.respond(grpcResponseHeaders, grpcResponseOptions);
  }
}

function respondTrailersOnly(stream: ServerHttp2Stream, trailers: HeaderFields): void {
  stream.respond({ ...grpcResponseHeaders, ...trailers }, trailersOnlyOptions);
}

/** Refuses an RPC: nothing but these trailers answers it, and what still comes of it is dropped. */
export function refuseStream(stream: ServerHttp2Stream, trailers: HeaderFields): void {
  stream.on("error", () => {
    // The host is gone, and nobody is left to refuse.
  });
  respondTrailersOnly(stream, trailers);
  stream.resume();
  // A host that is still sending gets the time to see the
  // answer: a stock one that is reset meanwhile waits for ever.
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), refusedMs);
  timer.unref();
  stream.once("close", () => clearTimeout(timer));
}
