import {
  constants,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";
import { discardBytesMax, type FieldList } from "@servehttp/contract";
import type { Caller } from "./caller.js";
import { keepFieldsOfMiddleware } from "./keep-fields-of-middleware.js";
import { type ResponseHead, toHttp2Fields } from "./response-head.js";

/** A caller that speaks HTTP/2. */
export class Http2Caller implements Caller {
  readonly #stream: ServerHttp2Stream;
  readonly #response: Http2ServerResponse;
  /** The head that waits for the first octets, for a flush or for the end. */
  #head: ResponseHead | undefined;
  #trailers: FieldList | undefined;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(request: Http2ServerRequest, response: Http2ServerResponse) {
    this.#stream = request.stream;
    this.#response = response;
  }

  get gone(): boolean {
    return !this.#usable;
  }

  informational(status: number, fields: FieldList): void {
    if (this.#usable) {
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
    keepFieldsOfMiddleware(this.#response, head.fields);
    this.#head = head;
  }

  write(chunk: Uint8Array): void | Promise<void> {
    this.flush();
    const stream = this.#stream;
    if (!this.#usable || stream.write(chunk)) {
      return undefined;
    }
    if (this.#room === undefined) {
      this.#room = Promise.withResolvers<void>();
      stream.once("drain", () => this.release());
    }
    return this.#room.promise;
  }

  flush(): void {
    const head = this.#head;
    if (head === undefined || !this.#usable) {
      return;
    }
    this.#head = undefined;
    const stream = this.#stream;
    // Whether there will be trailers is not known before the end, so room is kept for them. The compatibility
    // response that Node made beside the stream would answer this event with trailers of its own.
    stream.removeAllListeners("wantTrailers");
    stream.once("wantTrailers", () => this.#sendTrailers());
    stream.respond(toHttp2Fields(head.fields, head.status), { waitForTrailers: head.bodyAllowed });
  }

  end(trailers: FieldList): void {
    const stream = this.#stream;
    if (!this.#usable) {
      return;
    }
    const head = this.#head;
    if (head !== undefined && trailers.length === 0) {
      this.#head = undefined;
      stream.respond(toHttp2Fields(head.fields, head.status), { endStream: true });
      return;
    }
    this.flush();
    this.#trailers = trailers;
    stream.end();
  }

  break(): void {
    // Never code 0, which some callers take for a complete response.
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  refuseRest(): void {
    const stream = this.#stream;
    let discarded = 0;
    stream.on("data", (chunk: Buffer) => {
      discarded += chunk.length;
      if (discarded > discardBytesMax) {
        // A complete response, then NO_ERROR: the caller may stop sending (RFC 9113, section 8.1).
        stream.close(constants.NGHTTP2_NO_ERROR);
      }
    });
    stream.resume();
  }

  hijack(): Duplex | undefined {
    // No request of HTTP/2 is hijackable but an extended CONNECT, which has a caller of its own.
    return undefined;
  }

  release(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  get #usable(): boolean {
    return !this.#stream.destroyed && !this.#stream.closed;
  }

  #sendTrailers(): void {
    if (this.#usable) {
      // Also without fields: `close()` would reset the stream before its END_STREAM.
      this.#stream.sendTrailers(toHttp2Fields(this.#trailers ?? []));
    }
  }
}
