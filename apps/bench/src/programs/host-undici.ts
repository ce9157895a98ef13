/**
 * A reverse proxy on undici, written for speed: its dispatch interface, no stream objects of its
 * own between the two sides, back-pressure both ways. Arguments: the unix socket of the plugin.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";

import { type Dispatcher, Pool } from "undici";

import { announce } from "./announce.js";

const pool = new Pool("http://plugin", {
  socketPath: process.argv[2] ?? "",
  headersTimeout: 0,
  bodyTimeout: 0,
});

const server = createServer((request, response) => {
  const body = hasBody(request.headers) ? request : null;
  pool.dispatch(
    {
      path: request.url ?? "/",
      method: request.method ?? "GET",
      headers: withoutHopByHop(request.headers),
      body,
    },
    new Relay(response),
  );
});
server.requestTimeout = 0;
announce(server, undefined);

class Relay implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#response.once("close", () => {
      if (!this.#response.writableFinished) {
        controller.abort(new Error("the client left"));
      }
    });
    this.#response.on("drain", () => controller.resume());
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    this.#response.writeHead(status, withoutHopByHop(headers));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#response.write(chunk)) {
      controller.pause();
    }
  }

  onResponseEnd(): void {
    this.#response.end();
  }

  onResponseError(): void {
    if (this.#response.headersSent) {
      this.#response.destroy();
    } else {
      this.#response.writeHead(502).end();
    }
  }
}

const hopByHop = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "expect",
]);

function withoutHopByHop(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept: IncomingHttpHeaders = {};
  for (const name in headers) {
    if (!hopByHop.has(name)) {
      kept[name] = headers[name];
    }
  }
  return kept;
}

function hasBody(headers: IncomingMessage["headers"]): boolean {
  return (
    headers["transfer-encoding"] !== undefined ||
    (headers["content-length"] !== undefined && headers["content-length"] !== "0")
  );
}
