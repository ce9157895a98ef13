import {
  type AcceptExchange,
  advanceRequest,
  type ExchangeChannel,
  FrameBatch,
  type FrameQueue,
  GrowthBudget,
  initialRequestOrder,
  isRequestOver,
  mergeRequestParts,
  type RequestOrder,
  type RequestParts,
  responsePartRules,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { statusFields } from "../wire/grpc-status.js";
import type { HeaderFields } from "../wire/header-fields.js";
import { ReceiveQueue } from "./receive-queue.js";
import { type IncomingFrame, MuxFrameReader } from "./mux-frame-reader.js";
import { type MuxEnd, MuxConnection } from "./mux-connection.js";
import { readRequestMessage, requestPieceTags } from "../wire/read-parts.js";
import type { RpcStream } from "./rpc-stream.js";
import { writeResponseParts } from "../wire/write-parts.js";
import { settledQuietly } from "../schedule/settled-quietly.js";

/** The plugin's end of a `ServeHTTPMux` RPC: takes in the exchanges that the host opens. */
export class PluginMux implements MuxEnd {
  /** For its exchanges. */
  readonly budget = new GrowthBudget();
  readonly #stream: RpcStream;
  readonly #accept: AcceptExchange;
  readonly #batch: FrameBatch<ResponseParts, PluginMuxExchange>;
  readonly #connection: MuxConnection<ResponseParts, PluginMuxExchange>;
  readonly #exchanges = new Map<number, PluginMuxExchange>();
  #lastId = 0;
  /** open -> closed [closed] */
  #state: "open" | "closed" = "open";

  /** `stream` is that of the RPC, the head of whose response has gone out. */
  constructor(stream: RpcStream, accept: AcceptExchange) {
    this.#stream = stream;
    this.#accept = accept;
    this.#batch = new FrameBatch(responsePartRules, {
      // All requests come by this one stream: when the callback that brought them is over, so is what belongs together.
      onReady: () => this.#connection.plan(0),
      onOpened: () => undefined,
      onRoom: (exchange) => exchange.goOn(),
      onFinished: (exchange) => exchange.sent(),
    });
    const reader = new MuxFrameReader(requestPieceTags, "client-disconnected");
    this.#connection = new MuxConnection(stream, this.#batch, writeResponseParts, reader, this);
    this.#connection.hello();
  }

  /** Exchanges that are open. */
  get exchangeCount(): number {
    return this.#exchanges.size;
  }

  /**
   * Tells the host to open no more exchanges. Those that it opened before it heard of it are served like all others: it is
   * the host that ends the RPC when they are over.
   */
  drain(): void {
    if (this.#state === "open") {
      this.#connection.drain();
    }
  }

  /** Gives up all exchanges that are open. The RPC goes on until the host ends it. */
  giveUp(error: ServeHTTPError): void {
    for (const exchange of this.#exchanges.values()) {
      exchange.giveUp(error);
    }
  }

  receiveFrame(frame: IncomingFrame): void {
    const { exchangeId } = frame;
    let exchange = this.#exchanges.get(exchangeId);
    if (exchange === undefined) {
      if (exchangeId <= this.#lastId) {
        return;
      }
      this.#lastId = exchangeId;
      if (frame.parts === undefined && frame.piece === undefined && frame.broken === undefined) {
        if (frame.reset !== undefined) {
          // The host changed its mind before it had sent anything.
          return;
        }
        const message = `a frame of exchange ${exchangeId}, which was never opened`;
        throw new ServeHTTPError("protocol-violation", message);
      }
      exchange = new PluginMuxExchange(this, this.#batch, exchangeId, this.#accept);
      this.#exchanges.set(exchangeId, exchange);
    }
    exchange.receiveFrame(frame);
  }

  receiveDraining(): void {
    // A host has no field to say it with.
  }

  receiveHead(): void {
    // The head of the request has brought this RPC about.
  }

  /** No exchange will come, and those that are open are cut off. */
  receiveEnd(): void {
    this.#connection.fail(hostGone("the host ended the mux RPC"));
  }

  closed(error: ServeHTTPError): void {
    this.#state = "closed";
    const isLost = error.code === "host-stopping" || error.code === "connection-lost";
    const reason = isLost ? hostGone(error.message) : error;
    for (const exchange of this.#exchanges.values()) {
      exchange.abort(reason);
    }
    this.#exchanges.clear();
    this.#stream.end(isLost ? okStatus : statusFields(error));
  }

  /** From an exchange that is over. */
  forget(exchangeId: number): void {
    this.#exchanges.delete(exchangeId);
  }
}

const okStatus: HeaderFields = { "grpc-status": "0" };

/** The plugin's end of one exchange on mux. */
class PluginMuxExchange implements ExchangeChannel<ResponseParts> {
  readonly #mux: PluginMux;
  readonly #queue: FrameQueue<ResponseParts, PluginMuxExchange>;
  readonly #receiveQueue: ReceiveQueue<RequestParts>;
  #order: RequestOrder = initialRequestOrder;
  #hijacked = false;
  /** Whether the client's way of a tunnel still matters to the plugin. */
  #requestNeeded = true;
  /** open -> answered [send: the last part is queued], open|answered -> over [#finish] */
  #state: "open" | "answered" | "over" = "open";
  #room: PromiseWithResolvers<void> | undefined;

  constructor(
    mux: PluginMux,
    batch: FrameBatch<ResponseParts, PluginMuxExchange>,
    exchangeId: number,
    accept: AcceptExchange,
  ) {
    this.#mux = mux;
    this.#queue = batch.open(exchangeId, this);
    this.#receiveQueue = new ReceiveQueue(accept(this), this.#queue, mux.budget, mergeRequestParts);
  }

  send(parts: ResponseParts): void | Promise<void> {
    if (this.#state !== "open") {
      return undefined;
    }
    this.#hijacked ||= parts.hijack === true;
    const last = parts.end !== undefined || parts.tunnelEnd === true;
    const room = this.#queue.enqueue(parts);
    if (last) {
      this.#state = "answered";
      if (this.#queue.finish()) {
        this.sent();
      }
    }
    if (room) {
      return undefined;
    }
    this.#room ??= settledQuietly();
    return this.#room.promise;
  }

  reset(error: ServeHTTPError): void {
    if (this.#state === "over") {
      return;
    }
    this.#receiveQueue.close();
    if (error.code === "request-not-needed" && this.#state === "answered") {
      // It follows what was written and still waits, for credit perhaps.
      this.#requestNeeded = false;
      this.#queue.resetBehind(error);
      return;
    }
    this.#queue.reset(error);
    this.#finish(error);
  }

  /** There is room again. */
  goOn(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** The last part of the response is on its way. */
  sent(): void {
    const complete = !this.#hijacked || this.#order === "tunnel-ended" || !this.#requestNeeded;
    if (this.#state === "answered" && complete) {
      this.#receiveQueue.close();
      this.#finish(undefined);
    }
  }

  receiveFrame(frame: IncomingFrame): void {
    if (frame.parts !== undefined) {
      this.#receiveParts(readRequestMessage(frame.parts).parts);
    } else if (frame.piece !== undefined) {
      const isBody = frame.pieceTag === requestPieceTags.chunk;
      this.#receiveParts(isBody ? { chunk: frame.piece } : { tunnelChunk: frame.piece });
    }
    if (frame.broken !== undefined) {
      this.giveUp(frame.broken);
    }
    if (frame.creditBytes > 0) {
      this.#queue.grant(frame.creditBytes);
    }
    if (frame.reset !== undefined) {
      this.abort(frame.reset);
    }
  }

  /** The host gave the exchange up, or the RPC is over. */
  abort(error: ServeHTTPError): void {
    if (this.#state === "over") {
      return;
    }
    this.#finish(error);
    this.#queue.forget();
    this.#receiveQueue.abort(error);
  }

  /** Gives the exchange up, at both ends. The order of one exchange's parts is that exchange's affair alone. */
  giveUp(error: ServeHTTPError): void {
    this.#queue.reset(error);
    this.#finish(error);
    this.#receiveQueue.abort(error);
  }

  #receiveParts(parts: RequestParts): void {
    try {
      this.#order = advanceRequest(this.#order, parts, this.#hijacked);
    } catch (error) {
      this.giveUp(ServeHTTPError.from(error));
      return;
    }
    this.#receiveQueue.receive(parts);
    if (isRequestOver(this.#order, true) && this.#state === "answered" && this.#queue.finish()) {
      this.sent();
    }
  }

  #finish(reason: ServeHTTPError | undefined): void {
    this.#state = "over";
    if (reason === undefined) {
      this.#room?.resolve();
    } else {
      this.#room?.reject(reason);
    }
    this.#room = undefined;
    this.#mux.forget(this.#queue.exchangeId);
  }
}

function hostGone(message: string): ServeHTTPError {
  return new ServeHTTPError("host-stopping", message);
}
