import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from "node:http2";
import {
  advanceResponse,
  type ExchangeChannel,
  initialResponseOrder,
  isResponseOver,
  mergeRequestParts,
  type PartReceiver,
  type RequestParts,
  type ResponseOrder,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { answered } from "../schedule/answered.js";
import { brokenOrder, errorOfStatus, grpcProblem } from "../wire/grpc-status.js";
import { MessageReader, type MessageTaker } from "./message-reader.js";
import { type PartFormat, PartWriter } from "./part-writer.js";
import { readResponseParts } from "../wire/read-parts.js";
import { streamResetCode } from "./stream-reset-codes.js";
import { WireReader } from "../wire/wire-reader.js";
import type { WireWriter } from "../wire/wire-writer.js";
import { writeRequestParts } from "../wire/write-parts.js";

const requestFormat: PartFormat<RequestParts> = {
  write: writeRequestParts,
  merge: mergeRequestParts,
  beforeWrite: () => undefined,
};

const requestOptions = { endStream: false } as const;

/**
 * The host's end of an exchange on the stream carrier: one `ServeHTTP` RPC.
 *
 * Only the `end` part proves that a response is complete. Everything else by which a stream can cease (trailers of
 * whatever status, RST_STREAM of whatever code, a clean END_STREAM, the loss of the connection) aborts it.
 */
export class HostStreamExchange implements ExchangeChannel<RequestParts>, MessageTaker {
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  readonly #receiver: PartReceiver<ResponseParts>;
  readonly #partWriter: PartWriter<RequestParts>;
  readonly #messageReader: MessageReader;
  #order: ResponseOrder = initialResponseOrder;
  /** open -> over [#finish], when the response is complete or either side gave up. */
  #state: "open" | "over" = "open";
  #hijackable = false;
  #requestSent = false;
  #responseFields: IncomingHttpHeaders | undefined;
  #trailers: IncomingHttpHeaders | undefined;
  #failure: Error | undefined;

  /**
   * `headers` are those of the RPC, its path and token included.
   *
   * @throws ServeHTTPError `connection-lost` where the session is closed.
   */
  constructor(
    session: ClientHttp2Session,
    headers: OutgoingHttpHeaders,
    writer: WireWriter,
    receiver: PartReceiver<ResponseParts>,
  ) {
    if (session.closed || session.destroyed) {
      throw new ServeHTTPError("connection-lost", "the connection to the plugin is closed");
    }
    this.#session = session;
    this.#receiver = receiver;
    const stream = session.request(headers, requestOptions);
    this.#stream = stream;
    this.#partWriter = new PartWriter(stream, writer, requestFormat);
    this.#messageReader = new MessageReader(stream, this);
    stream.on("response", (fields) => this.#onResponse(fields));
    stream.on("trailers", (fields) => {
      this.#trailers = fields;
    });
    stream.on("data", (input: Buffer) => this.#messageReader.push(input));
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
    const room = this.#partWriter.send(parts, last);
    if (last && isResponseOver(this.#order)) {
      // The other way of the tunnel has ended before.
      this.#partWriter.flush();
      this.#finish();
    }
    return room;
  }

  reset(error: ServeHTTPError): void {
    if (this.#state === "over") {
      return;
    }
    this.#finish();
    this.#partWriter.close(error);
    this.#stream.close(streamResetCode(error.code));
  }

  takeMessage(message: Buffer): void | Promise<void> {
    const parts = readResponseParts(new WireReader(message));
    this.#advance(parts);
    if (isResponseOver(this.#order) && (this.#requestSent || parts.end !== undefined)) {
      this.#complete();
    }
    return this.#receiver.receive(parts);
  }

  inputEnded(): void {
    // A tunnel of which only the plugin's way has ended goes on, as long as its stream does.
    if (!isResponseOver(this.#order) || this.#stream.destroyed) {
      this.#fail(this.#closeReason());
    }
  }

  inputFailed(error: ServeHTTPError): void {
    this.#fail(error);
  }

  #onResponse(fields: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    this.#responseFields = fields;
    const problem = grpcProblem(fields);
    if (problem !== undefined) {
      this.#fail(problem);
    }
  }

  #advance(parts: ResponseParts): void {
    try {
      this.#order = advanceResponse(this.#order, parts);
    } catch (error) {
      throw brokenOrder(ServeHTTPError.from(error));
    }
  }

  /** The response is complete: the plugin needs no more of the request. */
  #complete(): void {
    this.#partWriter.flush();
    this.#finish();
    this.#partWriter.close(answered);
    if (!this.#stream.writableEnded) {
      // Without our end the stream would stay half-open for ever on both sides.
      this.#stream.end();
    }
  }

  #onEnd(): void {
    // A stream that was reset, or that its connection took along, ends as well: `close` says which.
    if (this.#status !== undefined || !this.#stream.closed) {
      this.#messageReader.end();
    }
  }

  #onClose(): void {
    const reason = this.#closeReason();
    this.#partWriter.close(reason);
    // What came in full may still wait to be taken.
    if (!this.#messageReader.ended || isResponseOver(this.#order)) {
      this.#fail(reason);
    }
  }

  /** What it means that nothing more comes. */
  #closeReason(): ServeHTTPError {
    const { rstCode } = this.#stream;
    if (!this.#session.destroyed && isResponseOver(this.#order)) {
      if (rstCode === constants.NGHTTP2_NO_ERROR) {
        // Of a tunnel: the plugin has ended its way, and takes no more of ours.
        return answered;
      }
    } else if (!this.#session.destroyed) {
      if (this.#status !== undefined || rstCode === constants.NGHTTP2_NO_ERROR) {
        return errorOfStatus(this.#status, this.#statusMessage);
      }
      if (rstCode === constants.NGHTTP2_INTERNAL_ERROR) {
        return new ServeHTTPError("handler-failed", "the plugin reset the stream");
      }
    }
    if (rstCode === constants.NGHTTP2_REFUSED_STREAM && this.#responseFields === undefined) {
      return new ServeHTTPError("unavailable", "the plugin refused the stream");
    }
    const options = this.#failure === undefined ? undefined : { cause: this.#failure };
    const message = `the stream to the plugin closed before the response was complete (HTTP/2 code ${rstCode})`;
    return new ServeHTTPError("connection-lost", message, options);
  }

  get #status(): string | undefined {
    // A response of trailers only has it in its head.
    return (this.#trailers ?? this.#responseFields)?.["grpc-status"] as string | undefined;
  }

  get #statusMessage(): string | undefined {
    return (this.#trailers ?? this.#responseFields)?.["grpc-message"] as string | undefined;
  }

  /** The other side, or the connection, gave up. */
  #fail(error: ServeHTTPError): void {
    if (this.#state === "over") {
      return;
    }
    this.#finish();
    this.#partWriter.close(error);
    this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#receiver.abort(error);
  }

  /** What still comes in is discarded; what waits to be sent goes, unless the outbox is closed as well. */
  #finish(): void {
    this.#state = "over";
    this.#messageReader.discard();
  }
}
