import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { MessageCutter } from "../wire/grpc-messages.js";

/** One RPC at the plugin that the kit serves, on a stream of `node:http2`. */
export class ServerStream {
  readonly stream: ServerHttp2Stream;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(stream: ServerHttp2Stream, take: (message: Uint8Array) => void, onEnd: () => void) {
    this.stream = stream;
    const cutter = new MessageCutter();
    stream.on("error", () => undefined);
    stream.on("data", (data: Buffer) => cutter.push(data, take));
    stream.on("end", onEnd);
    for (const event of ["drain", "close"]) {
      stream.on(event, () => {
        this.#room?.resolve();
        this.#room = undefined;
      });
    }
  }

  /** The head of every gRPC response. */
  respond(headers: OutgoingHttpHeaders = {}): void {
    if (!this.stream.headersSent && !this.stream.destroyed) {
      const head = { ":status": 200, "content-type": "application/grpc+proto", ...headers };
      this.stream.respond(head, { waitForTrailers: true });
    }
  }

  /** Resolves when there is room for more, or when the stream is over. */
  write(bytes: Uint8Array): Promise<void> {
    this.respond();
    const { stream } = this;
    if (stream.destroyed || stream.writableEnded || stream.write(bytes)) {
      return Promise.resolve();
    }
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  /** Ends the RPC; undefined for an end without a gRPC status. */
  end(status: number | undefined, message = ""): void {
    const { stream } = this;
    if (stream.destroyed || stream.writableEnded) {
      return;
    }
    this.respond();
    stream.once("wantTrailers", () => {
      if (status === undefined) {
        this.reset(constants.NGHTTP2_NO_ERROR);
      } else {
        stream.sendTrailers({ "grpc-status": status, "grpc-message": message });
      }
    });
    stream.end();
  }

  /** Resets the stream, in a later turn: at once, it can end the process on Node 26. */
  reset(code: number): void {
    setImmediate(() => this.stream.close(code));
  }

  /** Breaks the connection once what was written has gone. */
  cut(): void {
    // Its other ways to end it are not for users of a session.
    this.stream.session?.socket.destroySoon();
  }
}
