import type { ServerHttp2Stream } from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { muxWindowBytes } from "@servehttp/contract";
import { PluginService, ResetCode } from "@servehttp/contract/services";
import { envelope } from "../wire/grpc-messages.js";
import type { RequestPartsRead, ResponseFrame, ResponsePartsToWrite } from "../wire/messages.js";
import { type ExchangeWatch, type ReadInit, ServedExchange } from "./served-exchange.js";
import { ServerStream } from "./server-stream.js";

const { serveHTTPMux } = PluginService.method;

/** The mux RPC of a host: all its exchanges on one connection. */
export class ServedMux {
  readonly rpc: ServerStream;
  readonly #exchanges = new Map<bigint, MuxServedExchange>();
  readonly #watch: () => ExchangeWatch;
  readonly #onExchange: (exchange: ServedExchange) => void;
  #idLast = 0n;

  /** `watch` gives whom an exchange that begins now tells. */
  constructor(
    stream: ServerHttp2Stream,
    watch: () => ExchangeWatch,
    onExchange: (exchange: ServedExchange) => void,
  ) {
    this.#watch = watch;
    this.#onExchange = onExchange;
    this.rpc = new ServerStream(
      stream,
      (message) => this.#receive(message),
      () => this.rpc.end(0),
    );
    stream.on("close", () => this.#lose("the end of the RPC"));
    // The hello.
    void this.rpc.write(envelope(new Uint8Array()));
  }

  /** Says that it takes no more exchanges. */
  drain(): void {
    this.#watch().note("plugin sent draining");
    void this.rpc.write(encoded({ draining: true }));
  }

  /** Sends frames, whatever they are. */
  sendFrames(frames: readonly ResponseFrame[]): Promise<void> {
    return this.rpc.write(encoded({ frames: [...frames] }));
  }

  /** Takes a message that is as if it had not been sent yet: its bytes, cut into single ones. */
  sendSliced(frames: readonly ResponseFrame[]): void {
    for (const byte of encoded({ frames: [...frames] })) {
      void this.rpc.write(Buffer.of(byte));
    }
  }

  #receive(message: Uint8Array): void {
    const { frames } = fromBinary(serveHTTPMux.input, message);
    for (const { exchangeId, parts, creditBytes, reset } of frames) {
      if (parts?.init !== undefined) {
        this.#open(exchangeId, parts, parts.init);
      }
      const exchange = this.#exchanges.get(exchangeId);
      if (exchange === undefined) {
        this.#watch().violation(`a frame of the exchange ${exchangeId}, which was never opened`);
      } else {
        exchange.accept(parts, creditBytes, reset);
      }
    }
  }

  #open(id: bigint, parts: RequestPartsRead, init: ReadInit): void {
    if (id <= this.#idLast) {
      this.#watch().violation(`exchange ${id} was opened behind ${this.#idLast}`);
    }
    this.#idLast = id;
    const exchange = new MuxServedExchange(id, this, parts, init, this.#watch());
    this.#exchanges.set(id, exchange);
    this.#onExchange(exchange);
  }

  #lose(text: string): void {
    for (const exchange of this.#exchanges.values()) {
      if (!exchange.isOver) {
        exchange.lose(text);
      }
    }
    this.#exchanges.clear();
  }
}

/** An exchange on the mux carrier. */
export class MuxServedExchange extends ServedExchange {
  readonly carrier = "mux";
  readonly id: bigint;
  readonly mux: ServedMux;
  readonly #violation: (text: string) => void;
  #credit = muxWindowBytes;
  #granted = muxWindowBytes;
  #isPaused = false;
  #owedBytes = 0;
  #hasAnswered = false;
  #room: PromiseWithResolvers<void> | undefined;

  constructor(
    id: bigint,
    mux: ServedMux,
    first: RequestPartsRead,
    init: ReadInit,
    watch: ExchangeWatch,
  ) {
    super(first, init, watch);
    this.id = id;
    this.mux = mux;
    this.#violation = (text) => watch.violation(text);
  }

  /** Whether nothing more can come of it. */
  get isOver(): boolean {
    return this.givenUp !== undefined || this.#hasAnswered;
  }

  /** How many bytes the host takes for now. */
  get credit(): number {
    return this.#credit;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#grant(this.#owedBytes);
    this.#owedBytes = 0;
  }

  async send(parts: ResponsePartsToWrite): Promise<void> {
    const bytes = (parts.chunk?.length ?? 0) + (parts.tunnelChunk?.length ?? 0);
    while (this.#credit < bytes && this.givenUp === undefined) {
      this.#room ??= Promise.withResolvers<void>();
      await this.#room.promise;
    }
    if (this.givenUp === undefined) {
      this.#credit -= bytes;
      await this.sendFrame({ parts });
    }
  }

  /** Sends a frame of this exchange without regard to credit, or, with an offset, of another one. */
  sendFrame(frame: Omit<ResponseFrame, "exchangeId">, idOffset = 0): Promise<void> {
    if (frame.parts === undefined || idOffset !== 0) {
      this.note("sent a frame of the kit's own making");
    } else {
      this.noteSent(frame.parts);
      this.#hasAnswered ||= frame.parts.end !== undefined;
    }
    const exchangeId = this.id + BigInt(idOffset);
    return this.mux.sendFrames([{ ...frame, exchangeId } as ResponseFrame]);
  }

  sendSliced(parts: ResponsePartsToWrite): void {
    this.noteSent(parts);
    this.#hasAnswered ||= parts.end !== undefined;
    this.mux.sendSliced([{ exchangeId: this.id, parts }]);
  }

  write(bytes: Uint8Array): void {
    this.note(`sent ${bytes.length} bytes of the kit's own making`);
    void this.mux.rpc.write(bytes);
  }

  fail(message: string): void {
    this.note("sent reset with HANDLER_FAILED");
    this.#hasAnswered = true;
    const reset = { code: ResetCode.HANDLER_FAILED, message };
    void this.mux.sendFrames([{ exchangeId: this.id, reset }]);
  }

  endRpc(status: number | undefined, message?: string): void {
    this.note(
      `ended the RPC with ${status === undefined ? "no gRPC status" : `gRPC status ${status}`}`,
    );
    this.mux.rpc.end(status, message);
  }

  lookForReset(): void {
    // Frames are read, whether their bodies are or not.
  }

  resetStream(code: number): void {
    this.note(`sent RST_STREAM with code ${code}`);
    this.mux.rpc.reset(code);
  }

  cut(): void {
    this.note("cut the connection");
    this.mux.rpc.cut();
  }

  /** Takes a frame of the host's. */
  accept(
    parts: RequestPartsRead | undefined,
    creditBytes: number,
    reset: { readonly code: number } | undefined,
  ): void {
    this.#credit += creditBytes;
    if (parts !== undefined) {
      const bytes = this.receive(parts);
      this.#granted -= bytes;
      if (this.#granted < 0) {
        this.#violation(`exchange ${this.id}: more bytes than its credit`);
      }
      if (this.#isPaused) {
        this.#owedBytes += bytes;
      } else {
        this.#grant(bytes);
      }
    }
    if (reset !== undefined) {
      this.lose(`reset with code ${reset.code}`);
    }
    this.#wake();
  }

  override lose(text: string): void {
    super.lose(text);
    this.#wake();
  }

  #grant(creditBytes: number): void {
    if (creditBytes > 0 && !this.isOver) {
      this.#granted += creditBytes;
      void this.mux.sendFrames([{ exchangeId: this.id, creditBytes }]);
    }
  }

  #wake(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}

function encoded(batch: Parameters<typeof create<typeof serveHTTPMux.output>>[1]): Buffer {
  return envelope(toBinary(serveHTTPMux.output, create(serveHTTPMux.output, batch)));
}
