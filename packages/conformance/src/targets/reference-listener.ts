import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type ServerHttp2Stream } from "node:http2";
import type { HandlerRequest, HandlerResponse } from "../handler.js";
import { ReferenceFields } from "./reference-fields.js";

/**
 * Runs a handler directly under Node's own HTTP servers, as the reference. It is thin on purpose:
 * what Node gets wrong stays wrong, and the behaviours list it. Node's compatibility objects for
 * HTTP/2 have the shape of those for HTTP/1.1, and are used as such.
 */
export function referenceListener(
  handler: (request: HandlerRequest, response: HandlerResponse) => Promise<void>,
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  return (incoming, outgoing) => {
    const response = new ReferenceResponse(incoming, outgoing);
    void handler(referenceRequest(incoming, outgoing), response).then(
      () => response.finish(),
      () => response.fail(),
    );
  };
}

function referenceRequest(incoming: IncomingMessage, outgoing: ServerResponse): HandlerRequest {
  const controller = new AbortController();
  const trailers = Promise.withResolvers<ReferenceFields>();
  trailers.promise.catch(() => undefined);
  outgoing.on("close", () => {
    if (wasCut(incoming, outgoing)) {
      controller.abort(
        Object.assign(new Error("the client left"), { code: "client-disconnected" }),
      );
    }
  });
  const headers = new ReferenceFields(incoming.rawHeaders);
  const length = headers.get("content-length");
  const bodyless = length === undefined && !headers.has("transfer-encoding");
  return {
    method: incoming.method ?? "",
    url: incoming.url ?? "",
    basePath: "",
    requestUri: incoming.url ?? "",
    protocol: `HTTP/${incoming.httpVersion}`,
    host: headers.get("host") ?? headers.get(":authority") ?? "",
    scheme: "http",
    remoteAddress: `${incoming.socket.remoteAddress}:${incoming.socket.remotePort}`,
    headers: new ReferenceFields([...headers].filter(([name]) => !name.startsWith(":")).flat()),
    contentLength:
      length === undefined
        ? bodyless && (incoming.httpVersionMajor === 1 || endedWithHead(incoming))
          ? 0
          : undefined
        : Number(length),
    body: readBody(incoming, trailers),
    trailers: trailers.promise,
    signal: controller.signal,
    deadline: undefined,
    id: "direct",
  };
}

function endedWithHead(incoming: IncomingMessage): boolean {
  return streamOf(incoming)?.endAfterHeaders === true;
}

/** The HTTP/2 stream behind a compatibility object. */
function streamOf(incoming: IncomingMessage): ServerHttp2Stream | undefined {
  return (incoming as { stream?: ServerHttp2Stream }).stream;
}

function wasCut(incoming: IncomingMessage, outgoing: ServerResponse): boolean {
  const stream = streamOf(incoming);
  return stream === undefined
    ? outgoing.destroyed && !outgoing.writableFinished
    : stream.rstCode !== undefined && stream.rstCode !== constants.NGHTTP2_NO_ERROR;
}

async function* readBody(
  incoming: IncomingMessage,
  trailers: PromiseWithResolvers<ReferenceFields>,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of incoming) {
      yield chunk as Buffer;
    }
  } catch (error) {
    trailers.reject(error);
    throw error;
  }
  trailers.resolve(new ReferenceFields(incoming.rawTrailers));
}

class ReferenceResponse implements HandlerResponse {
  readonly headers = new ReferenceFields();
  readonly trailers = new ReferenceFields();
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;

  constructor(incoming: IncomingMessage, outgoing: ServerResponse) {
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    // A write to a client that has left fails in its callback.
    outgoing.on("error", () => undefined);
  }

  get committed(): boolean {
    return this.#outgoing.headersSent;
  }

  writeHead(status: number): void {
    if (this.committed) {
      return;
    }
    if (status >= 100 && status < 200 && status !== 101) {
      void this.informational(status, [...this.headers]);
      return;
    }
    if (status === 101) {
      throw new RangeError("a handler can't switch protocols by a status");
    }
    const names = new Set([...this.headers].map(([name]) => name.toLowerCase()));
    for (const name of names) {
      const values = this.headers.getAll(name);
      this.#outgoing.setHeader(name, values.length === 1 ? (values[0] ?? "") : [...values]);
    }
    this.#outgoing.writeHead(status);
  }

  write(chunk: Uint8Array | string): Promise<void> {
    this.writeHead(200);
    return new Promise((resolve, reject) => {
      if (this.#outgoing.writableEnded || wasCut(this.#incoming, this.#outgoing)) {
        reject(new Error("write after the end, or after the client left"));
        return;
      }
      const { promise, resolve: room } = Promise.withResolvers<void>();
      const wrote = this.#outgoing.write(bytesOf(chunk));
      this.#outgoing.once("close", room);
      streamOf(this.#incoming)?.once("close", room);
      if (wrote) {
        room();
      } else {
        this.#outgoing.once("drain", room);
      }
      void promise.then(() => {
        this.#outgoing.off("close", room);
        streamOf(this.#incoming)?.off("close", room);
        this.#outgoing.off("drain", room);
        if (wasCut(this.#incoming, this.#outgoing)) {
          reject(new Error("the client left"));
        } else {
          resolve();
        }
      });
    });
  }

  flush(): Promise<void> {
    this.writeHead(200);
    this.#outgoing.flushHeaders();
    return Promise.resolve();
  }

  informational(status: number, fields: readonly (readonly [string, string])[]): Promise<void> {
    const hints = Object.fromEntries(Map.groupBy(fields, ([name]) => name.toLowerCase()));
    if (status === 100) {
      this.#outgoing.writeContinue();
    } else if (status === 103) {
      this.#outgoing.writeEarlyHints(
        Object.fromEntries(
          Object.entries(hints).map(([name, pairs]) => [name, (pairs ?? []).map(([, one]) => one)]),
        ),
      );
    } else {
      this.#outgoing.writeProcessing();
    }
    return Promise.resolve();
  }

  end(chunk?: Uint8Array | string): Promise<void> {
    if (this.#outgoing.writableEnded) {
      return Promise.reject(new Error("ended twice"));
    }
    if (!this.committed) {
      this.writeHead(200);
    }
    const trailers = [...this.trailers];
    if (trailers.length > 0) {
      this.#outgoing.addTrailers(Object.fromEntries(trailers));
    }
    if (chunk === undefined) {
      this.#outgoing.end();
    } else {
      this.#outgoing.end(bytesOf(chunk));
    }
    return Promise.resolve();
  }

  /** Node's responses have no such method. Behaviours of tunnels are not run on this target. */
  hijack(): Promise<never> {
    return Promise.reject(new Error("the reference listener offers no hijack"));
  }

  /** The handler returned. */
  finish(): void {
    if (!this.#outgoing.writableEnded) {
      void this.end();
    }
  }

  /** The handler threw. */
  fail(): void {
    if (this.#outgoing.writableEnded) {
      return;
    }
    if (this.committed) {
      // Destroying a compatibility object resets with code 0, which clients take for a clean end.
      streamOf(this.#incoming)?.close(constants.NGHTTP2_INTERNAL_ERROR);
      this.#outgoing.destroy();
      return;
    }
    for (const name of this.#outgoing.getHeaderNames()) {
      this.#outgoing.removeHeader(name);
    }
    this.#outgoing.writeHead(500);
    this.#outgoing.end();
  }
}

function bytesOf(chunk: Uint8Array | string): Uint8Array {
  return typeof chunk === "string" ? Buffer.from(chunk, "utf8") : chunk;
}
