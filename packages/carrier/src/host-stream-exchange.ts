import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from "node:http2";
import {
  advanceResponse,
  type ExchangeChannel,
  initialResponseOrder,
  isResponseOver,
  mergeRequestParts,
  messageBytesMax,
  type PartReceiver,
  type RequestParts,
  type ResponseOrder,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { GrpcMessageReader } from "./grpc-message-reader.js";
import { brokenOrder, errorOfStatus } from "./grpc-status.js";
import { readResponseParts } from "./read-parts.js";
import { writeReset } from "./reset-codec.js";
import { writeRequestParts } from "./write-parts.js";
import { type PartFormat, PartOutbox } from "./part-outbox.js";
import { WireReader } from "./wire-reader.js";
import type { WireWriter } from "./wire-writer.js";

const requestFormat: PartFormat<RequestParts> = {
  write: writeRequestParts,
  merge: mergeRequestParts,
};

const answered = new ServeHTTPError("request-not-needed", "the plugin has answered in full");

/** How long the reason of a reset may take to go out before the stream is reset without it. */
const resetGraceMs = 100;

/**
 * The host's end of an exchange on the stream carrier: one `ServeHTTP` RPC.
 *
 * Only the `end` part proves that a response is complete. Everything else by which a stream can cease (trailers of
 * whatever status, RST_STREAM of whatever code, a clean END_STREAM, the loss of the connection) aborts it.
 */
export class HostStreamExchange implements ExchangeChannel<RequestParts> {
  readonly #stream: ClientHttp2Stream;
  readonly #receiver: PartReceiver<ResponseParts>;
  readonly #writer: WireWriter;
  readonly #outbox: PartOutbox<RequestParts>;
  readonly #reader = new GrpcMessageReader(messageBytesMax);
  #order: ResponseOrder = initialResponseOrder;
  /** open -> over [#finish], when the response is complete or either side gave up. */
  #state: "open" | "over" = "open";
  #hijackable = false;
  #requestSent = false;
  #status: { code: string | undefined; message: string | undefined } | undefined;
  #failure: Error | undefined;

  /** `headers` are those of the RPC, its path and token included. */
  constructor(
    session: ClientHttp2Session,
    headers: OutgoingHttpHeaders,
    writer: WireWriter,
    receiver: PartReceiver<ResponseParts>,
  ) {
    this.#receiver = receiver;
    this.#writer = writer;
    const stream = session.request(headers);
    this.#stream = stream;
    this.#outbox = new PartOutbox(stream, writer, requestFormat);
    stream.on("response", (fields) => this.#onResponse(fields));
    stream.on("trailers", (fields) => this.#onStatus(fields));
    stream.on("data", (input: Buffer) => this.#onData(input));
    stream.on("end", () => this.#onEnd());
    stream.on("error", (error) => {
      this.#failure ??= error;
    });
    stream.on("close", () => this.#onClose());
  }

  send(parts: RequestParts): void | Promise<void> {
    if (this.#state === "over") {
      return undefined;
    }
    if (parts.init?.hijackable === true) {
      this.#hijackable = true;
    }
    // Behind the `end` of a request that may become a tunnel, the tunnel follows.
    const last = parts.tunnelEnd === true || (parts.end !== undefined && !this.#hijackable);
    this.#requestSent ||= last;
    const room = this.#outbox.send(parts, last);
    if (last && isResponseOver(this.#order)) {
      // The other way of the tunnel has ended before.
      this.#outbox.flush();
      this.#finish();
    }
    return room;
  }

  reset(error: ServeHTTPError): void {
    if (this.#state === "over") {
      return;
    }
    this.#finish(error);
    const stream = this.#stream;
    if (
      error.code === "caller-left" ||
      stream.destroyed ||
      stream.writableEnded ||
      stream.pending
    ) {
      stream.close(constants.NGHTTP2_CANCEL);
      return;
    }
    // The reason goes first, as far as the stream takes it; a stalled one is reset without.
    const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), resetGraceMs);
    stream.once("close", () => clearTimeout(timer));
    this.#writer.beginMessage();
    writeReset(this.#writer, 0x32, error);
    stream.write(Buffer.concat(this.#writer.endMessage()), () =>
      stream.close(constants.NGHTTP2_CANCEL),
    );
  }

  #onResponse(fields: IncomingHttpHeaders & { ":status"?: number | undefined }): void {
    const status = fields[":status"];
    const contentType = fields["content-type"] ?? "";
    if (status !== 200 || !contentType.startsWith("application/grpc")) {
      this.#fail(
        new ServeHTTPError(
          "not-a-plugin",
          `the server answered with status ${status} and content type ${JSON.stringify(contentType.slice(0, 100))}, not with gRPC`,
        ),
      );
      return;
    }
    if (fields["grpc-status"] !== undefined) {
      this.#onStatus(fields);
    }
  }

  #onStatus(fields: IncomingHttpHeaders): void {
    this.#status = {
      code: fields["grpc-status"] as string | undefined,
      message: fields["grpc-message"] as string | undefined,
    };
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
        const parts = readResponseParts(new WireReader(message));
        this.#advance(parts);
        if (isResponseOver(this.#order) && (this.#requestSent || parts.end !== undefined)) {
          this.#complete();
        }
        const taken = this.#receiver.receive(parts);
        if (taken !== undefined) {
          void taken.then(() => this.#goOn());
          return "wait";
        }
      }
    } catch (error) {
      this.#fail(ServeHTTPError.from(error));
    }
    return "all";
  }

  #advance(parts: ResponseParts): void {
    try {
      this.#order = advanceResponse(this.#order, parts);
    } catch (error) {
      throw brokenOrder(ServeHTTPError.from(error));
    }
  }

  #goOn(): void {
    if (this.#receiveAll() === "all") {
      this.#stream.resume();
    }
  }

  /** The response is complete: the plugin needs no more of the request. */
  #complete(): void {
    this.#outbox.flush();
    this.#finish(answered);
    // Without our end the stream would stay half-open for ever on both sides.
    this.#stream.end();
  }

  #onEnd(): void {
    if (this.#state === "over" || isResponseOver(this.#order)) {
      return;
    }
    this.#fail(errorOfStatus(this.#status?.code, this.#status?.message));
  }

  #onClose(): void {
    if (this.#state === "over") {
      return;
    }
    const { rstCode } = this.#stream;
    if (isResponseOver(this.#order) && rstCode === constants.NGHTTP2_NO_ERROR) {
      this.#fail(new ServeHTTPError("request-not-needed", "the plugin closed the tunnel"));
      return;
    }
    if (this.#status !== undefined && !isResponseOver(this.#order)) {
      this.#fail(errorOfStatus(this.#status.code, this.#status.message));
      return;
    }
    if (rstCode === constants.NGHTTP2_REFUSED_STREAM) {
      this.#fail(new ServeHTTPError("unavailable", "the plugin refused the stream"));
      return;
    }
    const options = this.#failure === undefined ? undefined : { cause: this.#failure };
    const message = `the stream to the plugin closed before the response was complete (HTTP/2 code ${rstCode})`;
    this.#fail(new ServeHTTPError("connection-lost", message, options));
  }

  /** The other side, or the connection, gave up. */
  #fail(error: ServeHTTPError): void {
    if (this.#state === "over") {
      return;
    }
    this.#finish(error);
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#receiver.abort(error);
  }

  /** With a reason, what waits to be sent is dropped. What still comes in is discarded either way. */
  #finish(reason?: ServeHTTPError): void {
    this.#state = "over";
    if (reason !== undefined) {
      this.#outbox.close(reason);
    }
    this.#stream.resume();
  }
}
