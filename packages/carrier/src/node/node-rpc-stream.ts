import { constants, type ServerHttp2Stream } from "node:http2";
import { ServeHTTPError } from "@servehttp/contract";
import type { HeaderFields } from "../wire/header-fields.js";
import { grpcResponseHeaders, grpcResponseOptions } from "../stream/plugin-stream-exchange.js";
import type { RpcListener, RpcStream } from "../mux/rpc-stream.js";

/**
 * The plugin's end of a streaming RPC on a connection of Node's HTTP/2, which carries other RPCs as
 * well. Hosts on a stock gRPC stack open such RPCs.
 */
export class NodeRpcStream implements RpcStream {
  readonly headroomBytes = 0;
  readonly #stream: ServerHttp2Stream;
  #trailers: HeaderFields = {};
  #failure: Error | undefined;

  /** Sends the head of the response. */
  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream;
    stream.respond(grpcResponseHeaders, grpcResponseOptions);
  }

  listen(listener: RpcListener): void {
    const stream = this.#stream;
    stream.on("data", (octets: Buffer) => listener.receiveData(octets));
    stream.on("end", () => listener.receiveEnd({}));
    stream.on("error", (error) => {
      this.#failure = error;
    });
    stream.on("close", () => {
      const why = this.#failure?.message ?? "the mux RPC was cut off";
      listener.closed(new ServeHTTPError("connection-lost", why, { cause: this.#failure }));
    });
    stream.on("wantTrailers", () => this.#sendTrailers());
  }

  write(segments: Buffer[], onWritten: () => void): void {
    const stream = this.#stream;
    const last = segments.length - 1;
    stream.cork();
    for (let index = 0; index < last; index += 1) {
      stream.write(segments[index]);
    }
    stream.write(segments[last], (error) => {
      // Node 26 settles the writes of a closing stream without an error.
      const isSent = (error === undefined || error === null) && !stream.closed;
      if (isSent) {
        onWritten();
      }
    });
    stream.uncork();
  }

  end(trailers: HeaderFields = {}): void {
    this.#trailers = trailers;
    const stream = this.#stream;
    if (!stream.destroyed && !stream.writableEnded) {
      stream.end();
    }
    stream.resume();
  }

  cancel(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #sendTrailers(): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) {
      return;
    }
    stream.sendTrailers(this.#trailers);
    if (!stream.readableEnded) {
      // The host may go on sending for ever, and nothing of it is read. Node sends the trailers in
      // an immediate of its own.
      setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR));
    }
  }
}
