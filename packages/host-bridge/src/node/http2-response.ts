import {
  constants,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";
import { type FieldList, Room, ServeHTTPError } from "@servehttp/contract";
import type { ClientResponse } from "../client/client-response.js";
import { type ResponseHead, toHttp2Fields } from "../edge/response-head.js";
import { lingerBytesMax, lingerMsMax, lingerSilenceMsMax } from "../limits.js";
import { beginStream, breakStream } from "./break-stream.js";
import { withFieldsOfMiddleware } from "./middleware-headers.js";

/** The response to a request of HTTP/2. */
export class Http2Response implements ClientResponse {
  readonly #request: Http2ServerRequest;
  readonly #stream: ServerHttp2Stream;
  readonly #response: Http2ServerResponse;
  /** The head that waits for the first bytes, for a flush or for the end. */
  #head: ResponseHead | undefined;
  #answered = false;
  #bodyAllowed = true;
  #trailers: FieldList | undefined;
  /** The client holds its body back until it gets a 100 (Continue). */
  #awaitsContinue: boolean;
  /**
   * sending -> sent [#sent], and then the stream is closed if it was to be by then [#closeOnceSent]
   */
  #state: "sending" | "closing" | "sent" = "sending";
  readonly #room = new Room();

  constructor(request: Http2ServerRequest, response: Http2ServerResponse, awaitsContinue: boolean) {
    this.#request = request;
    this.#stream = request.stream;
    this.#response = response;
    this.#awaitsContinue = awaitsContinue;
  }

  get closed(): boolean {
    return !this.#usable || this.#isTaken;
  }

  informational(status: number, fields: FieldList): void {
    if (status === 100) {
      if (!this.#awaitsContinue) {
        return;
      }
      this.#awaitsContinue = false;
    }
    if (!this.closed) {
      this.#stream.additionalHeaders(toHttp2Fields(fields, status));
    }
  }

  respond(head: ResponseHead, body: Uint8Array | undefined, trailers: FieldList): void {
    this.begin(head);
    if (body !== undefined && head.bodyAllowed) {
      void this.write(body);
    }
    this.end(trailers);
  }

  begin(head: ResponseHead): void {
    this.#checkFree();
    this.#head = { ...head, fields: withFieldsOfMiddleware(this.#response, head.fields) };
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.flush();
    const stream = this.#stream;
    if (!this.#usable || stream.write(chunk)) {
      return undefined;
    }
    stream.once("drain", () => this.release());
    return this.#room.wait();
  }

  flush(): void {
    const head = this.#head;
    if (head === undefined || !this.#usable) {
      return;
    }
    this.#takeHead();
    this.#bodyAllowed = head.bodyAllowed;
    const fields = toHttp2Fields(head.fields, head.status);
    // Whether there will be trailers is not known before the end.
    beginStream(this.#stream, fields, () => this.#sendTrailers(), head.bodyAllowed);
  }

  end(trailers: FieldList): void {
    const stream = this.#stream;
    if (!this.#usable) {
      return;
    }
    const head = this.#head;
    if (head !== undefined && trailers.length === 0) {
      this.#takeHead();
      stream.respond(toHttp2Fields(head.fields, head.status), { endStream: true });
      this.#sent();
      return;
    }
    this.flush();
    this.#trailers = trailers;
    stream.end();
    if (!this.#bodyAllowed) {
      this.#sent();
    }
  }

  break(): void {
    if (!this.#isTaken) {
      breakStream(this.#stream);
    }
  }

  discardRequestBody(): void {
    const request = this.#request;
    const sinceMs = performance.now();
    let discarded = 0;
    const silence = setTimeout(() => this.#closeOnceSent(), lingerSilenceMsMax);
    this.#stream.once("close", () => clearTimeout(silence));
    request.once("end", () => clearTimeout(silence));
    request.on("data", (chunk: Buffer) => {
      discarded += chunk.length;
      if (discarded > lingerBytesMax || performance.now() - sinceMs > lingerMsMax) {
        this.#closeOnceSent();
      } else {
        silence.refresh();
      }
    });
    request.resume();
  }

  hijack(): Duplex | undefined {
    // Only an extended CONNECT is hijackable on HTTP/2, and that has a response class of its own.
    return undefined;
  }

  release(): void {
    this.#room.open();
  }

  get #usable(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed;
  }

  /** Something else, the application's time-out say, has answered before the exchange did. */
  get #isTaken(): boolean {
    return this.#stream.headersSent && !this.#answered;
  }

  #checkFree(): void {
    if (this.#isTaken) {
      throw new ServeHTTPError(
        "client-disconnected",
        "the host itself has answered the client meanwhile",
      );
    }
  }

  /** The head goes out now. */
  #takeHead(): void {
    this.#checkFree();
    this.#answered = true;
    this.#head = undefined;
  }

  #sendTrailers(): void {
    if (this.#usable) {
      // Needed without fields, too: `close()` would reset the stream before its END_STREAM.
      this.#stream.sendTrailers(toHttp2Fields(this.#trailers ?? []));
      this.#sent();
    }
  }

  /** The END_STREAM is on its way. */
  #sent(): void {
    const closing = this.#state === "closing";
    this.#state = "sent";
    if (closing) {
      this.#closeOnceSent();
    }
  }

  /** A complete response, then NO_ERROR: the client may stop sending (RFC 9113, section 8.1). */
  #closeOnceSent(): void {
    if (this.#state === "sent") {
      // Node sends trailers in the next turn, and none any more once the stream is closed.
      setImmediate(() => this.#stream.close(constants.NGHTTP2_NO_ERROR));
    } else {
      this.#state = "closing";
    }
  }
}
