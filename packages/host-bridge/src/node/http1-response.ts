import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type FieldList, noFields, Room, ServeHTTPError } from "@servehttp/contract";
import type { ClientResponse } from "../client/client-response.js";
import { destroySocket } from "../client/destroy-socket.js";
import { isLongBody } from "../client/discard-body.js";
import { informationalHead } from "../client/informational-head.js";
import { isBun } from "../client/is-bun.js";
import { joinedBytesMax, joinedText } from "../client/joined-text.js";
import type { ResponseHead } from "../edge/response-head.js";
import { bodyLengthOf } from "./body-length.js";
import { discardOrClose } from "./discard-or-close.js";
import { detachSocket } from "./detach-socket.js";
import { withFieldsOfMiddleware } from "./middleware-headers.js";

const nothing = Buffer.alloc(0);

/** The response to a request of HTTP/1.0 or HTTP/1.1. */
export class Http1Response implements ClientResponse {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** The client holds its body back until it gets a 100 (Continue). */
  #awaitsContinue: boolean;
  #bodyAllowed = true;
  /** It has begun, and goes out in chunks. */
  #chunked = false;
  /**
   * Set for server-sent events: makes the application's compressing middleware send each event at
   * once.
   */
  #flushEvents: (() => void) | undefined;
  /**
   * The head that has gone out is the exchange's. Otherwise something else has answered, the
   * application's time-out say.
   */
  #answered = false;
  #listensToDrain = false;
  readonly #room = new Room();

  constructor(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) {
    this.#request = request;
    this.#response = response;
    this.#awaitsContinue = awaitsContinue;
  }

  get closed(): boolean {
    const response = this.#response;
    return (
      response.destroyed ||
      this.#request.socket.destroyed ||
      (response.headersSent && !this.#answered)
    );
  }

  informational(status: number, fields: FieldList): void {
    const response = this.#response;
    if (status === 100) {
      if (this.#awaitsContinue) {
        this.#awaitsContinue = false;
        response.writeContinue();
      }
      return;
    }
    // An HTTP/1.0 client knows no interim responses (RFC 9110, section 15.2).
    if (this.#request.httpVersionMinor === 0) {
      return;
    }
    // Node's writeEarlyHints and writeProcessing take no other status, and drop duplicate fields.
    response.socket?.write(informationalHead(status, fields), "latin1");
  }

  respond(head: ResponseHead, body: Uint8Array | undefined, trailers: FieldList): void {
    const response = this.#response;
    const { fields } = head;
    if (trailers.length > 0 || head.announcesTrailers) {
      this.begin(head);
      if (body !== undefined && head.bodyAllowed) {
        response.write(body);
      }
      this.end(trailers);
      return;
    }
    const length = body?.length ?? 0;
    const isMeasured = !head.bodyAllowed || head.contentLength !== undefined;
    this.#writeHead(
      head,
      isMeasured ? fields : [...fields, "Content-Length", String(length)],
      true,
    );
    if (body === undefined || !head.bodyAllowed) {
      response.end();
    } else if (body.length <= joinedBytesMax) {
      response.end(joinedText(body), "latin1");
    } else {
      response.end(body);
    }
  }

  begin(head: ResponseHead): void {
    this.#bodyAllowed = head.bodyAllowed;
    this.#chunked =
      head.bodyAllowed &&
      head.contentLength === undefined &&
      this.#request.httpVersionMajor === 1 &&
      this.#request.httpVersionMinor === 1;
    if (isEventStream(head.fields)) {
      this.#flushEvents = flushOfMiddleware(this.#response);
    }
    // A plugin that goes on reading hardly begins with a redirect or an error.
    this.#writeHead(head, head.fields, head.status >= 300);
  }

  write(chunk: Uint8Array): void | Promise<void> {
    const hasRoom: unknown = this.#response.write(chunk);
    this.#flushEvents?.();
    // A `write` that middleware has put in place of Node's may return nothing, and emits no drain
    // then.
    if (hasRoom !== false) {
      return undefined;
    }
    if (!this.#listensToDrain) {
      // Not `once`: a compressing middleware moves the listener to a stream of its own, from where
      // `once` does not remove it.
      this.#listensToDrain = true;
      this.#response.on("drain", () => this.release());
    }
    return this.#room.wait();
  }

  flush(): void {
    const response = this.#response;
    // On Bun, a write of no bytes sends the head without the empty line that ends it.
    if (!this.#bodyAllowed || isBun) {
      // `flushHeaders` writes a string without an encoding.
      response.socket?.setDefaultEncoding("latin1");
      response.flushHeaders();
      response.socket?.setDefaultEncoding("utf8");
    } else {
      // Writing no bytes sends the head as Latin-1, where `flushHeaders` would send it as UTF-8.
      response.write(nothing);
    }
    flushOfMiddleware(response)?.();
  }

  end(trailers: FieldList): void {
    if (trailers.length > 0 && this.#chunked) {
      const pairs: [string, string][] = [];
      for (let index = 0; index < trailers.length; index += 2) {
        pairs.push([trailers[index] as string, trailers[index + 1] as string]);
      }
      this.#response.addTrailers(pairs);
    }
    this.#response.end();
  }

  break(): void {
    const { socket } = this.#response;
    if (socket === null) {
      this.#response.destroy();
      return;
    }
    if (this.#chunked) {
      // Node 26 holds what was written in this tick in the response itself.
      while (this.#response.writableCorked > 0) {
        this.#response.uncork();
      }
    }
    destroySocket(socket, this.#chunked);
  }

  discardRequestBody(): void {
    discardOrClose(this.#request, this.#response);
  }

  hijack(): Duplex | undefined {
    return detachSocket(this.#response);
  }

  release(): void {
    this.#room.open();
  }

  /** `early` where the answer comes early if the request is not whole by now. */
  #writeHead(head: ResponseHead, given: FieldList, early: boolean): void {
    const response = this.#response;
    if (response.headersSent) {
      throw new ServeHTTPError(
        "client-disconnected",
        "the host itself has answered the client meanwhile",
      );
    }
    this.#answered = true;
    const fields = withFieldsOfMiddleware(response, given);
    if (this.#awaitsContinue && bodyHasBegun(this.#request)) {
      // The client did not wait. Node closes the connection unless a 100 has been sent.
      this.informational(100, noFields);
    }
    if (!this.#request.complete && this.#endsConnection(early)) {
      response.shouldKeepAlive = false;
    }
    const { reason } = head;
    if (reason !== undefined) {
      response.statusMessage = reason;
    }
    if (response.writeHead === ServerResponse.prototype.writeHead) {
      response.writeHead(head.status, [...fields]);
    } else {
      writePatchedHead(response, head.status, fields);
    }
  }

  /** Whether nothing can follow the response to a request that is not whole. */
  #endsConnection(early: boolean): boolean {
    if (this.#awaitsContinue) {
      // Nobody asked for the body. The client may send it all the same, or may not, so the next
      // request could not be told from it.
      return true;
    }
    return early && isLongBody(bodyLengthOf(this.#request));
  }
}

/** Whether some of the body has come, so that a client that may hold it back does not. */
function bodyHasBegun(request: IncomingMessage): boolean {
  return request.complete || request.readableDidRead || request.readableLength > 0;
}

/**
 * The function by which a compressing middleware (`compression` of npm) sends what it holds back.
 */
function flushOfMiddleware(response: ServerResponse): (() => void) | undefined {
  const { flush } = response as ServerResponse & { flush?: () => void };
  return flush && (() => flush.call(response));
}

function isEventStream(fields: FieldList): boolean {
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index]?.toLowerCase() === "content-type") {
      return /^text\/event-stream(?:;|$)/i.test(fields[index + 1] as string);
    }
  }
  return false;
}

/**
 * Writes the head by a `writeHead` that middleware has put in place of Node's. Not all of these
 * understand a flat list (`on-headers` before 1.1.0 doesn't), so the fields are set one by one.
 */
function writePatchedHead(response: ServerResponse, status: number, fields: FieldList): void {
  for (let index = 0; index < fields.length; index += 2) {
    response.appendHeader(fields[index] as string, fields[index + 1] as string);
  }
  response.writeHead(status);
}
