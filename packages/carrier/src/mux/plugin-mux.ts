import {
  type AcceptExchange,
  advanceRequest,
  FrameBatch,
  GrowthBudget,
  initialRequestOrder,
  isTunnel,
  mergeRequestParts,
  type RequestOrder,
  type RequestParts,
  responsePartRules,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { statusFields } from "../wire/grpc-status.js";
import type { HeaderFields } from "../wire/header-fields.js";
import { type IncomingFrame, MuxFrameReader } from "./mux-frame-reader.js";
import { type MuxEnd, MuxConnection } from "./mux-connection.js";
import { ExchangeTable } from "./exchange-table.js";
import { type IncomingParts, MuxExchange } from "./mux-exchange.js";
import { readRequestMessage, requestPieceTags } from "../wire/read-parts.js";
import type { RpcStream } from "./rpc-stream.js";
import { writeResponseParts } from "../wire/write-parts.js";

type PluginExchange = MuxExchange<ResponseParts, RequestParts, RequestOrder>;

const requests: IncomingParts<RequestParts, RequestOrder> = {
  from: "host",
  initialOrder: initialRequestOrder,
  pieceTags: requestPieceTags,
  read: (reader) => readRequestMessage(reader).parts,
  advance: (order, parts, state) => advanceRequest(order, parts, isTunnel(state)),
  merge: mergeRequestParts,
  failureOf: (violation) => violation,
};

/** The plugin's end of a `ServeHTTPMux` RPC. It accepts the exchanges that the host opens. */
export class PluginMux implements MuxEnd {
  /** Shared by its exchanges. */
  readonly budget = new GrowthBudget();
  readonly #stream: RpcStream;
  readonly #accept: AcceptExchange;
  readonly #exchangesMax: number;
  readonly #batch: FrameBatch<ResponseParts, PluginExchange>;
  readonly #connection: MuxConnection<ResponseParts, PluginExchange>;
  readonly #exchanges = new ExchangeTable<PluginExchange>();
  #lastId = 0;
  /** open -> closed [closed] */
  #state: "open" | "closed" = "open";

  /** `stream` is that of the RPC, whose response head was sent. */
  constructor(stream: RpcStream, accept: AcceptExchange, exchangesMax: number) {
    this.#stream = stream;
    this.#accept = accept;
    this.#exchangesMax = exchangesMax;
    this.#batch = new FrameBatch(responsePartRules, {
      // All requests come by this one stream. So what belongs together is complete when the
      // callback that brought it ends.
      onReady: () => this.#connection.plan(0),
      onOpened: () => undefined,
      onRoom: (exchange) => exchange.goOn(),
      onFinished: (exchange) => exchange.sent(),
    });
    const reader = new MuxFrameReader(requestPieceTags, "client-disconnected");
    this.#connection = new MuxConnection(
      stream,
      this.#batch,
      writeResponseParts,
      reader,
      this,
      false,
    );
    this.#connection.hello();
  }

  /** Exchanges that are open. */
  get exchangeCount(): number {
    return this.#exchanges.size;
  }

  /**
   * Tells the host to open no more exchanges. Those that it opens before it hears of that are
   * served like all others. The host ends the RPC when they are over.
   */
  drain(): void {
    if (this.#state === "open") {
      this.#connection.drain();
    }
  }

  /** Gives up all exchanges that are open. The RPC goes on until the host ends it. */
  giveUp(error: ServeHTTPError): void {
    for (const exchange of this.#exchanges.all()) {
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
          // The host gave the exchange up before it had sent anything.
          return;
        }
        const message = `a frame of exchange ${exchangeId}, which was never opened`;
        throw new ServeHTTPError("protocol-violation", message);
      }
      const refused = this.#exchanges.size >= this.#exchangesMax;
      const accept = refused ? refuse : this.#accept;
      exchange = new MuxExchange(this, this.#batch, exchangeId, requests, accept);
      this.#exchanges.add(exchange);
      if (refused) {
        const message = `more than ${this.#exchangesMax} exchanges on one connection`;
        exchange.giveUp(new ServeHTTPError("overload", message));
        return;
      }
    }
    exchange.receiveFrame(frame);
  }

  /** No more exchanges come, and those that are open are cut off. */
  receiveEnd(): void {
    this.#connection.fail(hostGone("the host ended the mux RPC"));
  }

  closed(error: ServeHTTPError): void {
    this.#state = "closed";
    const isLost = error.code === "host-stopping" || error.code === "connection-lost";
    const reason = isLost ? hostGone(error.message) : error;
    for (const exchange of this.#exchanges.all()) {
      exchange.abort(reason);
    }
    this.#stream.end(isLost ? okStatus : statusFields(error));
  }

  forget(exchange: PluginExchange): void {
    this.#exchanges.delete(exchange);
  }
}

/** For an exchange that is given up at once: its request goes nowhere. */
const refuse: AcceptExchange = () => ({ receive: () => undefined, abort: () => undefined });

const okStatus: HeaderFields = { "grpc-status": "0" };

function hostGone(message: string): ServeHTTPError {
  return new ServeHTTPError("host-stopping", message);
}
