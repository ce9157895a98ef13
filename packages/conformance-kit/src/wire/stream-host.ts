import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { PluginService } from "@servehttp/contract/services";
import type { Deadline } from "./deadline.js";
import { Exchange, type ResetReason } from "./exchange.js";
import { envelope } from "./grpc-messages.js";
import type { Host } from "./host.js";
import type { Http2Connection } from "./http2-connection.js";
import type { RequestParts, Rpc } from "./messages.js";

const { serveHTTP } = PluginService.method;
const path = "/servehttp.v1.PluginService/ServeHTTP";

/** RST_STREAM codes by what they say (plugin.proto, ServeHTTP). */
const resetCodes: Readonly<Record<ResetReason, number>> = {
  "client-disconnected": 8,
  deadline: 11,
};

/** The stream carrier: an RPC for each exchange. */
export class StreamHost implements Host {
  readonly carrier = "stream";
  readonly #connection: Http2Connection;
  readonly #deadline: Deadline;

  constructor(connection: Http2Connection, deadline: Deadline) {
    this.#connection = connection;
    this.#deadline = deadline;
  }

  get exchangesMax(): number {
    return this.#connection.maxStreams;
  }

  open(parts: RequestParts): StreamExchange {
    const exchange = new StreamExchange(this.#connection, this.#deadline);
    void exchange.send(parts);
    return exchange;
  }

  openSliced(parts: RequestParts, sliceBytes: number): StreamExchange {
    const exchange = new StreamExchange(this.#connection, this.#deadline);
    const bytes = envelope(toBinary(serveHTTP.input, create(serveHTTP.input, parts)));
    for (let at = 0; at < bytes.length; at += sliceBytes) {
      void exchange.write(bytes.subarray(at, at + sliceBytes));
    }
    return exchange;
  }

  draining(): Promise<void> {
    return this.#connection.goingAway();
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}

/** An exchange on the stream carrier. */
export class StreamExchange extends Exchange {
  readonly #rpc: Rpc;

  constructor(connection: Http2Connection, deadline: Deadline) {
    super(deadline);
    this.#rpc = connection.call(path, {
      message: (bytes) => {
        try {
          this.receive(fromBinary(serveHTTP.output, bytes));
        } catch {
          this.fail("a message that is no ServeHTTPResponse");
        }
      },
      end: ({ text }) => this.fail(text),
    });
  }

  async send(parts: RequestParts): Promise<void> {
    this.noteSent(parts);
    // A plugin may be done with the connection once it has the end.
    const isLast = parts.end !== undefined && parts.init?.hijackable !== true;
    const message = create(serveHTTP.input, parts);
    await this.#rpc.write(envelope(toBinary(serveHTTP.input, message)), isLast);
  }

  /** Sends messages, and leaves the direction open behind an end. */
  async sendOpen(all: readonly RequestParts[]): Promise<void> {
    for (const parts of all) {
      this.noteSent(parts);
      await this.write(envelope(toBinary(serveHTTP.input, create(serveHTTP.input, parts))));
    }
  }

  /** Writes bytes of the RPC, whatever they are. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#rpc.write(bytes);
  }

  /** Ends the host's direction without the part `end`. */
  halfClose(): void {
    this.note("sent END_STREAM");
    this.#rpc.halfClose();
  }

  reset(reason: ResetReason): void {
    this.note(`sent RST_STREAM with code ${resetCodes[reason]}`);
    this.#rpc.reset(resetCodes[reason]);
  }

  pause(): void {
    this.#rpc.pause();
  }

  resume(): void {
    this.#rpc.resume();
  }
}
