import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { type FieldList, ServeHTTPError } from "@servehttp/contract";
import { destroySocket } from "../client/destroy-socket.js";
import type { ClientResponse } from "../client/client-response.js";
import { discardBody } from "../client/discard-body.js";
import { informationalHead } from "../client/informational-head.js";
import { keepFieldsOfMiddleware } from "./middleware-headers.js";
import { NodeBody } from "./request-body.js";
import { joinedBytesMax, joinedText } from "../client/joined-text.js";
import type { ResponseHead } from "../edge/response-head.js";
import { detachSocket } from "./detach-socket.js";

const nothing = Buffer.alloc(0);

/** A client that speaks HTTP/1.0 or HTTP/1.1. */
export class Http1Response implements ClientResponse {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** The client holds its body back until it is asked for. */
  #awaitsContinue: boolean;
  #bodyAllowed = true;
  #chunked = true;
  /** Told after each write to send what a compressing middleware of the host's holds back; events can't wait for more. */
  #flushEvents: (() => void) | undefined;
  /** Whether the head is ours. A time-out of the host's own, say, may have answered before the plugin did. */
  #answered = false;
  #listensToDrain = false;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) {
    this.#request = request;
    this.#response = response;
    this.#awaitsContinue = awaitsContinue;
  }

  get gone(): boolean {
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
    // Node has writeEarlyHints and writeProcessing, neither of which takes any status or keeps duplicates.
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
    if (head.bodyAllowed && head.contentLength === undefined) {
      fields.push("Content-Length", String(body?.length ?? 0));
    }
    this.#writeHead(head);
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
    this.#writeHead(head);
  }

  write(chunk: Uint8Array): void | Promise<void> {
    const hasRoom = this.#response.write(chunk);
    this.#flushEvents?.();
    if (hasRoom) {
      return undefined;
    }
    if (!this.#listensToDrain) {
      // Once for all: a compressing middleware moves the listener to a stream of its own, from where `once` can't take it.
      this.#listensToDrain = true;
      this.#response.on("drain", () => this.release());
    }
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  flush(): void {
    const response = this.#response;
    if (!this.#bodyAllowed) {
      // It writes a string without an encoding, whose bytes are Latin-1.
      response.socket?.setDefaultEncoding("latin1");
      response.flushHeaders();
      response.socket?.setDefaultEncoding("utf8");
    } else {
      // An empty write of bytes sends the head as Latin-1; flushHeaders would send it as UTF-8.
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
    destroySocket(socket);
  }

  discardRequestBody(): void {
    discardBody(new NodeBody(this.#request), this.#request.socket);
  }

  hijack(): Duplex | undefined {
    return detachSocket(this.#response);
  }

  release(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #writeHead(head: ResponseHead): void {
    const response = this.#response;
    if (response.headersSent) {
      throw new ServeHTTPError(
        "client-disconnected",
        "the host itself has answered the client meanwhile",
      );
    }
    this.#answered = true;
    keepFieldsOfMiddleware(response, head.fields);
    if (this.#awaitsContinue) {
      // Nobody asked for the body. Whether it comes all the same can't be known, so nothing can follow it.
      response.shouldKeepAlive = false;
    }
    if (response.writeHead === ServerResponse.prototype.writeHead) {
      response.writeHead(head.status, head.fields);
    } else {
      writePatchedHead(response, head);
    }
  }
}

/** How a compressing middleware (`compression` of npm) is told to send what it holds back. */
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
 * Writes the head by a `writeHead` that middleware has put in place of Node's: such a one knows fields that were set one by one,
 * but not always a flat list (`on-headers` before 1.1.0).
 */
function writePatchedHead(response: ServerResponse, head: ResponseHead): void {
  const { fields } = head;
  for (let index = 0; index < fields.length; index += 2) {
    response.appendHeader(fields[index] as string, fields[index + 1] as string);
  }
  response.writeHead(head.status);
}
