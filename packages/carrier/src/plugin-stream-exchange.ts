import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import {
  advanceRequest,
  type ExchangeChannel,
  initialRequestOrder,
  isRequestOver,
  mergeResponseParts,
  messageBytesMax,
  type PartReceiver,
  type RequestOrder,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { GrpcMessageReader } from "./grpc-message-reader.js";
import { encodeMessage, statusOf } from "./grpc-status.js";
import { readRequestMessage } from "./read-parts.js";
import { writeResponseParts } from "./write-parts.js";
import { type PartFormat, PartOutbox } from "./part-outbox.js";
import { WireReader } from "./wire-reader.js";
import type { WireWriter } from "./wire-writer.js";

const responseFormat: PartFormat<ResponseParts> = {
  write: writeResponseParts,
  merge: mergeResponseParts,
};

export const grpcResponseHeaders: OutgoingHttpHeaders = Object.freeze({
  ":status": 200,
  "content-type": "application/grpc+proto",
});

/**
 * How long a host that has its whole response may keep its own way open before the stream is closed for it. A reset at
 * once would make slow readers fail; none at all would leak a stream for each early answer.
 */
const halfOpenMs = 10_000;

/** The plugin's end of an exchange on the stream carrier: one `ServeHTTP` RPC. */
export class PluginStreamExchange implements ExchangeChannel<ResponseParts> {
  readonly #stream: ServerHttp2Stream;
  readonly #receiver: PartReceiver<RequestParts>;
  readonly #outbox: PartOutbox<ResponseParts>;
  readonly #reader = new GrpcMessageReader(messageBytesMax);
  readonly #connectionLost: () => boolean;
  #order: RequestOrder = initialRequestOrder;
  #hijacked = false;
  /** Whether the last part of the response is on its way. */
  #responseSent = false;
  /** open -> over [#finish], when both ways are done with or either side gave up. */
  #state: "open" | "over" = "open";
  #failure: ServeHTTPError | undefined;

  /**
   * `accept` is given the exchange and gives the receiver of its request; `connectionLost` tells whether the
   * connection to the host is gone, so that its loss is not taken for a caller who left.
   */
  constructor(
    stream: ServerHttp2Stream,
    writer: WireWriter,
    accept: (channel: ExchangeChannel<ResponseParts>) => PartReceiver<RequestParts>,
    connectionLost: () => boolean,
  ) {
    this.#stream = stream;
    this.#connectionLost = connectionLost;
    this.#outbox = new PartOutbox(stream, writer, responseFormat, () => {
      if (!stream.headersSent) {
        stream.respond(grpcResponseHeaders, { waitForTrailers: true });
      }
    });
    this.#receiver = accept(this);
    stream.on("data", (input: Buffer) => this.#onData(input));
    stream.on("end", () => this.#onEnd());
    stream.on("wantTrailers", () => this.#sendStatus());
    stream.on("error", () => {
      // What it means to the exchange is decided when the stream closes, which follows.
    });
    stream.on("close", () => this.#onClose());
  }

  send(parts: ResponseParts): void | Promise<void> {
    if (this.#state === "over") {
      return undefined;
    }
    this.#hijacked ||= parts.hijack === true;
    const last = parts.end !== undefined || parts.tunnelEnd === true;
    const room = this.#outbox.send(parts, last);
    if (last) {
      this.#responseSent = true;
      if (parts.end !== undefined || isRequestOver(this.#order, this.#hijacked)) {
        this.#outbox.flush();
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
      this.#stopRequest();
      return;
    }
    const { idle } = this.#outbox;
    this.#failure = error;
    this.#finish(error);
    if (stream.destroyed || stream.closed) {
      return;
    }
    if (!stream.headersSent) {
      stream.respond({ ...grpcResponseHeaders, ...statusFields(error) }, { endStream: true });
    } else if (idle && !stream.writableEnded) {
      stream.end();
    } else {
      stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    }
    this.#closeHalfOpen();
  }

  /** A complete response, then NO_ERROR: the host may stop sending (RFC 9113, section 8.1). */
  #stopRequest(): void {
    const stream = this.#stream;
    this.#outbox.flush();
    this.#finish();
    const stop = () => stream.close(constants.NGHTTP2_NO_ERROR);
    if (stream.writableFinished) {
      stop();
    } else {
      stream.once("finish", stop);
    }
  }

  #onData(input: Buffer): void {
    if (this.#state === "over") {
      return;
    }
    this.#reader.push(input);
    if (this.#receiveAll() === "wait") {
      this.#stream.pause();
    }
  }

  /** Hands over what was read, until it is all taken or the receiver asks to wait. */
  #receiveAll(): "all" | "wait" {
    try {
      while (this.#state === "open") {
        const message = this.#reader.next();
        if (message === undefined) {
          return "all";
        }
        const { parts, reset } = readRequestMessage(new WireReader(message));
        if (reset !== undefined) {
          this.#abort(reset);
          return "all";
        }
        this.#order = advanceRequest(this.#order, parts, this.#hijacked);
        const taken = this.#receiver.receive(parts);
        if (this.#responseSent && isRequestOver(this.#order, this.#hijacked)) {
          this.#finish();
        }
        if (taken !== undefined) {
          void taken.then(() => this.#goOn());
          return "wait";
        }
      }
    } catch (error) {
      const violation = ServeHTTPError.from(error);
      this.#receiver.abort(violation);
      this.reset(violation);
    }
    return "all";
  }

  #goOn(): void {
    if (this.#receiveAll() === "all") {
      this.#stream.resume();
    }
  }

  #onEnd(): void {
    if (this.#state === "open" && !isRequestOver(this.#order, this.#hijacked)) {
      this.#abort(this.#gone("the request stopped before its end"));
    }
  }

  #onClose(): void {
    if (this.#state === "open") {
      this.#abort(this.#gone("the host gave the exchange up"));
    }
  }

  #gone(message: string): ServeHTTPError {
    return this.#connectionLost()
      ? new ServeHTTPError("host-stopping", "the connection to the host was lost")
      : new ServeHTTPError("caller-left", message);
  }

  #abort(error: ServeHTTPError): void {
    this.#finish(error);
    this.#receiver.abort(error);
    if (!this.#stream.destroyed) {
      this.#stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  /** With a reason, what waits to be sent is dropped. What still comes in is discarded either way. */
  #finish(reason?: ServeHTTPError): void {
    this.#state = "over";
    if (reason !== undefined) {
      this.#outbox.close(reason);
    }
    this.#stream.resume();
  }

  #sendStatus(): void {
    if (!this.#stream.destroyed) {
      this.#stream.sendTrailers(
        this.#failure === undefined ? { "grpc-status": "0" } : statusFields(this.#failure),
      );
    }
  }

  #closeHalfOpen(): void {
    const stream = this.#stream;
    if (isRequestOver(this.#order, this.#hijacked) || stream.closed) {
      return;
    }
    const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), halfOpenMs);
    timer.unref();
    stream.once("close", () => clearTimeout(timer));
  }
}

/** The end of a failed RPC. Only our own words about a violation travel: never those of a handler. */
function statusFields(error: ServeHTTPError): OutgoingHttpHeaders {
  const text = error.code === "protocol-violation" ? error.message : error.code;
  return { "grpc-status": String(statusOf(error.code)), "grpc-message": encodeMessage(text) };
}

/** Refuses an RPC before any message of it is read. */
export function refuseStream(stream: ServerHttp2Stream, error: ServeHTTPError): void {
  stream.on("error", () => {
    // The caller is gone; there is nobody to refuse any more.
  });
  stream.respond({ ...grpcResponseHeaders, ...statusFields(error) }, { endStream: true });
  stream.resume();
}
