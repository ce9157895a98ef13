import type { ServerHttp2Stream } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { PluginService } from "@servehttp/contract/services";
import { envelope } from "../wire/grpc-messages.js";
import type { RequestPartsRead, ResponsePartsToWrite } from "../wire/messages.js";
import { type ExchangeWatch, type ReadInit, ServedExchange } from "./served-exchange.js";
import { ServerStream } from "./server-stream.js";

const { serveHTTP } = PluginService.method;
const internal = 13;

/** An exchange on the stream carrier. */
export class StreamServedExchange extends ServedExchange {
  readonly carrier = "stream";
  readonly rpc: ServerStream;

  private constructor(
    first: RequestPartsRead,
    init: ReadInit,
    rpc: ServerStream,
    watch: ExchangeWatch,
  ) {
    super(first, init, watch);
    this.rpc = rpc;
  }

  /** Reads an RPC, and gives its exchange once the head has come. */
  static accept(
    stream: ServerHttp2Stream,
    watch: ExchangeWatch,
    onExchange: (exchange: ServedExchange) => void,
  ): void {
    let exchange: StreamServedExchange | undefined;
    const take = (message: Uint8Array): void => {
      const parts = fromBinary(serveHTTP.input, message);
      if (exchange === undefined && parts.init !== undefined) {
        exchange = new StreamServedExchange(parts, parts.init, rpc, watch);
        onExchange(exchange);
      }
      exchange?.receive(parts);
      if (parts.reset !== undefined) {
        exchange?.lose(`reset with code ${parts.reset.code}`);
      }
    };
    const onEnd = (): void => {
      // The end of a stream that was reset comes before the code of its reset.
      setImmediate(() => {
        if (exchange?.end === undefined && !stream.aborted) {
          exchange?.lose("a half-close without an end");
        }
      });
    };
    const rpc = new ServerStream(stream, take, onEnd);
    stream.on("aborted", () => exchange?.lose(`RST_STREAM with code ${stream.rstCode ?? 0}`));
    stream.on("close", () => {
      if (stream.rstCode !== undefined && stream.rstCode !== 0) {
        exchange?.lose(`RST_STREAM with code ${stream.rstCode}`);
      }
    });
  }

  pause(): void {
    this.rpc.stream.pause();
  }

  resume(): void {
    this.rpc.stream.resume();
  }

  async send(parts: ResponsePartsToWrite): Promise<void> {
    this.noteSent(parts);
    const written = this.rpc.write(encoded(parts));
    if (parts.end !== undefined || parts.tunnelEnd === true) {
      this.rpc.end(0);
    }
    await written;
  }

  sendSliced(parts: ResponsePartsToWrite): void {
    this.noteSent(parts);
    for (const byte of encoded(parts)) {
      void this.rpc.write(Buffer.of(byte));
    }
    this.rpc.end(0);
  }

  /** Sends parts, and leaves the RPC open behind an end. */
  sendOpen(parts: ResponsePartsToWrite): void {
    this.noteSent(parts);
    void this.rpc.write(encoded(parts));
  }

  write(bytes: Uint8Array): void {
    this.note(`sent ${bytes.length} bytes of the kit's own making`);
    void this.rpc.write(bytes);
  }

  endRpc(status: number | undefined, message?: string): void {
    this.note(
      `ended the RPC with ${status === undefined ? "no gRPC status" : `gRPC status ${status}`}`,
    );
    this.rpc.end(status, message);
  }

  fail(message: string): void {
    this.endRpc(internal, message);
  }

  lookForReset(): void {
    const { stream } = this.rpc;
    if (stream.closed && stream.rstCode !== undefined && stream.rstCode !== 0) {
      this.lose(`RST_STREAM with code ${stream.rstCode}`);
      stream.resume();
    }
  }

  resetStream(code: number): void {
    this.note(`sent RST_STREAM with code ${code}`);
    this.rpc.reset(code);
  }

  cut(): void {
    this.note("cut the connection");
    this.rpc.cut();
  }
}

function encoded(parts: ResponsePartsToWrite): Buffer {
  return envelope(toBinary(serveHTTP.output, create(serveHTTP.output, parts)));
}
