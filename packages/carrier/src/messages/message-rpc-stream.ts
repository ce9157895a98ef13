import { ServeHTTPError } from "@servehttp/contract";
import type { RpcListener, RpcStream } from "../mux/rpc-stream.js";
import { errorOfStatus } from "../wire/grpc-status.js";
import type { HeaderFields } from "../wire/header-fields.js";
import { grpcPrefixBytes } from "../wire/wire-writer.js";
import { bareMessage } from "./bare-message.js";
import { MessageQueue } from "./message-queue.js";
import type { RpcMessages } from "./rpc-messages.js";

/**
 * The plugin's end of a mux RPC whose messages another RPC stack carries. To mux it is a stream of
 * bytes in gRPC's framing.
 */
export class MessageRpcStream implements RpcStream {
  readonly headroomBytes = 0;
  /** The messages of the response. */
  readonly responses = new MessageQueue(() => this.#close(this.#rpc.reason()));
  readonly #rpc: RpcMessages;
  #listener: RpcListener | undefined;
  /** open -> closed [#close] */
  #state: "open" | "closed" = "open";

  constructor(rpc: RpcMessages) {
    this.#rpc = rpc;
  }

  listen(listener: RpcListener): void {
    this.#listener = listener;
    const onAbort = (): void => this.#close(this.#rpc.reason());
    this.#rpc.signal.addEventListener("abort", onAbort, { once: true });
    void this.#receiveAll(listener);
  }

  write(segments: Buffer[], onWritten: () => void): void {
    const room = this.responses.push(bareMessage(segments));
    // Never within the call: a message is being written until it has returned.
    void Promise.resolve(room).then(onWritten);
  }

  end(trailers: HeaderFields = {}): void {
    const { "grpc-status": status, "grpc-message": message } = trailers;
    if (status === undefined || status === "0") {
      this.responses.end();
    } else {
      this.responses.fail(errorOfStatus(status, message));
    }
    this.#close(undefined);
  }

  cancel(): void {
    this.responses.fail(new ServeHTTPError("internal", "the mux RPC was given up"));
    this.#close(undefined);
  }

  async #receiveAll(listener: RpcListener): Promise<void> {
    try {
      for await (const message of this.#rpc.requests) {
        if (this.#state === "closed") {
          return;
        }
        const prefix = Buffer.alloc(grpcPrefixBytes);
        prefix.writeUInt32BE(message.length, 1);
        listener.receiveData(prefix);
        listener.receiveData(Buffer.from(message.buffer, message.byteOffset, message.length));
      }
      listener.receiveEnd({});
    } catch (error) {
      this.#close(this.#rpc.toError(error));
    }
  }

  #close(error: ServeHTTPError | undefined): void {
    if (this.#state === "open") {
      this.#state = "closed";
      this.#listener?.closed(error);
    }
  }
}
