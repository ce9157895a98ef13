import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { muxWindowBytes } from "@servehttp/contract";
import { PluginService, ResetCode } from "@servehttp/contract/services";
import type { Deadline } from "./deadline.js";
import { Exchange, type ResetReason } from "./exchange.js";
import { envelope } from "./grpc-messages.js";
import type { Host } from "./host.js";
import type { Http2Connection } from "./http2-connection.js";
import type { RequestFrame, RequestParts, ResponseParts, Rpc } from "./messages.js";

const { serveHTTPMux } = PluginService.method;
const path = "/servehttp.v1.PluginService/ServeHTTPMux";

const resetCodes: Readonly<Record<ResetReason, ResetCode>> = {
  "client-disconnected": ResetCode.CALLER_LEFT,
  deadline: ResetCode.DEADLINE,
};

/** The mux carrier: frames of one RPC for all exchanges. */
export class MuxHost implements Host {
  readonly carrier = "mux";
  readonly exchangesMax = Number.POSITIVE_INFINITY;
  readonly #connection: Http2Connection;
  readonly #deadline: Deadline;
  readonly #rpc: Rpc;
  readonly #exchanges = new Map<bigint, MuxExchange>();
  readonly #draining = Promise.withResolvers<void>();
  #idLast = 0n;
  /** Whether the plugin's first message has come. */
  hasHello = false;
  /** How the RPC ended; undefined while it runs. */
  ended: string | undefined;
  /** What the plugin did against the contract with its frames. */
  violation: string | undefined;

  /** On a connection of its own, unless it is `shared` with other RPCs. */
  constructor(connection: Http2Connection, deadline: Deadline, shared = false) {
    this.#connection = connection;
    this.#deadline = deadline;
    this.#rpc = connection.call(
      path,
      {
        message: (bytes) => this.#receive(bytes),
        end: ({ text }) => this.#end(text),
      },
      shared ? {} : { "servehttp-connection": "dedicated" },
    );
    void connection.goingAway().then(() => this.#draining.resolve());
  }

  open(parts: RequestParts): MuxExchange {
    const exchange = this.#exchange();
    void exchange.send(parts);
    return exchange;
  }

  openSliced(parts: RequestParts, sliceBytes: number): MuxExchange {
    const exchange = this.#exchange();
    const bytes = encoded([{ exchangeId: exchange.id, parts }]);
    for (let at = 0; at < bytes.length; at += sliceBytes) {
      void this.write(bytes.subarray(at, at + sliceBytes));
    }
    return exchange;
  }

  /** Opens many exchanges by one message. */
  openBatch(all: readonly RequestParts[]): MuxExchange[] {
    const opened = all.map((parts) => ({ exchange: this.#exchange(), parts }));
    void this.sendFrames(opened.map(({ exchange, parts }) => ({ exchangeId: exchange.id, parts })));
    return opened.map(({ exchange }) => exchange);
  }

  draining(): Promise<void> {
    return this.#draining.promise;
  }

  /** Sends frames, whatever they are. */
  sendFrames(frames: readonly RequestFrame[]): Promise<void> {
    return this.write(encoded(frames));
  }

  /** Writes bytes of the RPC, whatever they are. */
  write(bytes: Uint8Array): Promise<void> {
    return this.#rpc.write(bytes);
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }

  #exchange(): MuxExchange {
    this.#idLast += 1n;
    const exchange = new MuxExchange(this.#idLast, this, this.#deadline);
    this.#exchanges.set(exchange.id, exchange);
    if (this.ended !== undefined) {
      exchange.rpcEnded(this.ended);
    }
    return exchange;
  }

  #receive(bytes: Uint8Array): void {
    let batch;
    try {
      batch = fromBinary(serveHTTPMux.output, bytes);
    } catch {
      this.violation ??= "a message that is no ServeHTTPMuxResponse";
      return;
    }
    if (!this.hasHello && batch.frames.length > 0) {
      this.violation ??= "the first message is not the empty hello";
    }
    this.hasHello = true;
    if (batch.draining) {
      this.#draining.resolve();
    }
    for (const { exchangeId, parts, creditBytes, reset } of batch.frames) {
      const exchange = this.#exchanges.get(exchangeId);
      if (exchange === undefined) {
        this.violation ??= `a frame of the exchange ${exchangeId}, which was never opened`;
      } else {
        exchange.accept(parts, creditBytes, reset);
      }
    }
    this.#deadline.changed();
  }

  #end(text: string): void {
    this.ended = text;
    this.#draining.resolve();
    for (const exchange of this.#exchanges.values()) {
      exchange.rpcEnded(text);
    }
    this.#deadline.changed();
  }
}

/** An exchange on the mux carrier. */
export class MuxExchange extends Exchange {
  readonly id: bigint;
  readonly #host: MuxHost;
  readonly #deadline: Deadline;
  #credit = muxWindowBytes;
  #isPaused = false;
  #owedBytes = 0;
  /** How much the plugin may still send. */
  #granted = muxWindowBytes;
  /** How much credit the plugin has given. */
  creditReceived = 0;

  constructor(id: bigint, host: MuxHost, deadline: Deadline) {
    super(deadline);
    this.id = id;
    this.#host = host;
    this.#deadline = deadline;
  }

  /** The credit that is left for sending. */
  get credit(): number {
    return this.#credit;
  }

  async send(parts: RequestParts): Promise<void> {
    const bytes = (parts.chunk?.length ?? 0) + (parts.tunnelChunk?.length ?? 0);
    if (this.#credit < bytes && !this.isOver) {
      await this.#deadline.until(`credit for ${bytes} bytes`, () => {
        return this.#credit >= bytes || this.isOver;
      });
    }
    this.#credit -= bytes;
    this.noteSent(parts);
    await this.#host.sendFrames([{ exchangeId: this.id, parts }]);
  }

  /** Sends a frame of this exchange without regard to credit. */
  sendFrame(frame: Omit<RequestFrame, "exchangeId">): Promise<void> {
    this.note("sent a frame of the kit's own making");
    return this.#host.sendFrames([{ ...frame, exchangeId: this.id } as RequestFrame]);
  }

  reset(reason: ResetReason): void {
    this.note(`sent reset with code ${resetCodes[reason]}`);
    void this.#host.sendFrames([{ exchangeId: this.id, reset: { code: resetCodes[reason] } }]);
    this.fail("this side gave the exchange up");
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#grant(this.#owedBytes);
    this.#owedBytes = 0;
  }

  accept(
    parts: ResponseParts | undefined,
    creditBytes: number,
    reset: { readonly code: number; readonly message: string } | undefined,
  ): void {
    this.#credit += creditBytes;
    this.creditReceived += creditBytes;
    if (parts !== undefined) {
      const bytes = this.receive(parts);
      this.#granted -= bytes;
      if (this.#granted < 0) {
        this.#host.violation ??= `exchange ${this.id}: more bytes than its credit`;
      }
      if (this.#isPaused) {
        this.#owedBytes += bytes;
      } else {
        this.#grant(bytes);
      }
    }
    if (reset !== undefined) {
      this.fail(`reset with code ${reset.code} (${reset.message})`);
    }
  }

  rpcEnded(text: string): void {
    this.fail(text);
  }

  #grant(creditBytes: number): void {
    if (creditBytes > 0 && !this.isOver) {
      this.#granted += creditBytes;
      void this.#host.sendFrames([{ exchangeId: this.id, creditBytes }]);
    }
  }
}

function encoded(frames: readonly RequestFrame[]): Buffer {
  const batch = create(serveHTTPMux.input, { frames: [...frames] });
  return envelope(toBinary(serveHTTPMux.input, batch));
}
