import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { discardBytesMax, type FieldList } from "@servehttp/contract";
import type { Caller } from "./caller.js";
import { keepFieldsOfMiddleware } from "./keep-fields-of-middleware.js";
import type { ResponseHead } from "./response-head.js";
import { takeOverSocket } from "./take-over-socket.js";

const nothing = Buffer.alloc(0);

/**
 * Up to this size a body is written as a string, which Node joins with the head: one write of one string costs half of a
 * writev of two buffers. See the "get" case of `apps/bench`.
 */
const joinedBytesMax = 4_096;

/** How long a caller that still sends may take to read its early answer before the connection is cut. */
const lingerMs = 500;

/** A caller that speaks HTTP/1.0 or HTTP/1.1. */
export class Http1Caller implements Caller {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  /** The caller holds its body back until it is asked for. */
  #awaitsContinue: boolean;
  #bodyAllowed = true;
  #chunked = true;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean) {
    this.#request = request;
    this.#response = response;
    this.#awaitsContinue = awaitsContinue;
  }

  get gone(): boolean {
    return this.#response.destroyed || this.#request.socket.destroyed;
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
    // An HTTP/1.0 caller knows no interim responses (RFC 9110, section 15.2).
    if (this.#request.httpVersionMinor === 0) {
      return;
    }
    // Node has writeEarlyHints and writeProcessing, neither of which takes any status or keeps duplicates.
    let head = `HTTP/1.1 ${status} ${status === 103 ? "Early Hints" : "Informational"}\r\n`;
    for (let index = 0; index < fields.length; index += 2) {
      head += `${fields[index]}: ${fields[index + 1]}\r\n`;
    }
    response.socket?.write(`${head}\r\n`, "latin1");
  }

  respond(head: ResponseHead, body: Uint8Array | undefined, trailers: FieldList): void {
    const response = this.#response;
    const { fields } = head;
    if (trailers.length > 0) {
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
      response.end(octets(body), "latin1");
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
    this.#writeHead(head);
  }

  write(chunk: Uint8Array): void | Promise<void> {
    if (this.#response.write(chunk)) {
      return undefined;
    }
    if (this.#room === undefined) {
      this.#room = Promise.withResolvers<void>();
      this.#response.once("drain", () => this.release());
    }
    return this.#room.promise;
  }

  flush(): void {
    const response = this.#response;
    if (!this.#bodyAllowed) {
      response.flushHeaders();
    } else {
      // An empty write of octets sends the head as Latin-1; flushHeaders would send it as UTF-8.
      response.write(nothing);
    }
    // A compressing middleware holds back what it has until it is told.
    (response as ServerResponse & { flush?: () => void }).flush?.();
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
    // A response that ends with its connection looks complete unless the connection ends by a reset, which
    // only TCP has: TLS shows the missing close_notify, and a unix socket nothing.
    if (socket.remoteFamily !== undefined && !("encrypted" in socket)) {
      socket.resetAndDestroy();
    } else {
      socket.destroy();
    }
  }

  refuseRest(): void {
    const request = this.#request;
    const { socket } = request;
    let discarded = 0;
    const onData = (chunk: Buffer) => {
      discarded += chunk.length;
      if (discarded <= discardBytesMax) {
        return;
      }
      // Enough. The caller is given time to read its answer: a reset now could destroy it on the way.
      request.off("data", onData);
      request.pause();
      socket.end();
      const timer = setTimeout(() => socket.destroy(), lingerMs);
      socket.once("close", () => clearTimeout(timer));
    };
    request.on("data", onData);
    request.resume();
  }

  hijack(): Duplex | undefined {
    return takeOverSocket(this.#response);
  }

  release(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #writeHead(head: ResponseHead): void {
    const response = this.#response;
    keepFieldsOfMiddleware(response, head.fields);
    if (this.#awaitsContinue) {
      // Nobody asked for the body. Whether it comes all the same can't be known, so nothing can follow it.
      response.shouldKeepAlive = false;
    }
    response.writeHead(head.status, head.fields);
  }
}

/** The octets as a string of one character each. */
function octets(body: Uint8Array): string {
  return Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1");
}
