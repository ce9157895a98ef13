import {
  advanceResponse,
  type ExchangeChannel,
  FrameBatch,
  GrowthBudget,
  initialResponseOrder,
  LinkedSet,
  mergeResponseParts,
  type PartReceiver,
  requestPartRules,
  type RequestParts,
  type ResponseOrder,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { helloMs } from "../limits.js";
import { brokenOrder, errorOfStatus, grpcProblem, neverReached } from "../wire/grpc-status.js";
import { ExchangeTable } from "./exchange-table.js";
import { type IncomingParts, MuxExchange } from "./mux-exchange.js";
import { type IncomingFrame, MuxFrameReader } from "./mux-frame-reader.js";
import { type MuxEnd, MuxConnection } from "./mux-connection.js";
import type { HeaderFields } from "../wire/header-fields.js";
import { readResponseParts, responsePieceTags } from "../wire/read-parts.js";
import { RepeatedHeads } from "../wire/repeated-heads.js";
import type { RpcStream } from "./rpc-stream.js";
import { writeRequestParts } from "../wire/write-parts.js";

type HostExchange = MuxExchange<RequestParts, ResponseParts, ResponseOrder>;

function incomingResponses(): IncomingParts<ResponseParts, ResponseOrder> {
  const heads = new RepeatedHeads();
  return {
    from: "plugin",
    initialOrder: initialResponseOrder,
    pieceTags: responsePieceTags,
    read: (reader) => readResponseParts(reader, heads),
    advance: advanceResponse,
    merge: mergeResponseParts,
    failureOf: brokenOrder,
  };
}

/**
 * The host's end of a `ServeHTTPMux` RPC. It opens exchanges, as many as it likes, but sends nothing
 * of them before the plugin's hello: so an RPC that the plugin does not take, for whatever reason,
 * has begun none of them, and they are given back.
 */
export class HostMux implements MuxEnd {
  /** Shared by its exchanges. */
  readonly budget = new GrowthBudget();
  readonly #incoming = incomingResponses();
  readonly #stream: RpcStream;
  readonly #batch: FrameBatch<RequestParts, HostExchange>;
  readonly #connection: MuxConnection<RequestParts, HostExchange>;
  /** Exchanges of which nothing was sent yet, so that they have no id. */
  readonly #unopened = new LinkedSet<HostExchange>();
  readonly #exchanges = new ExchangeTable<HostExchange>();
  #lastId = 0;
  /**
   * open -> draining [close], draining -> closed [closed], open -> closed [closed]
   */
  #state: "open" | "draining" | "closed" = "open";
  readonly #lost = Promise.withResolvers<ServeHTTPError>();
  /** Runs until the hello has come. */
  readonly #helloTimer: NodeJS.Timeout;

  /** `stream` is that of the RPC, whose request head was sent. */
  constructor(stream: RpcStream) {
    this.#stream = stream;
    this.#batch = new FrameBatch(requestPartRules, {
      onReady: () => this.#connection.plan(this.#exchanges.size + this.#unopened.size),
      onOpened: (exchange, id) => this.#onOpened(exchange, id),
      onRoom: (exchange) => exchange.goOn(),
      onFinished: (exchange) => exchange.sent(),
    });
    const reader = new MuxFrameReader(responsePieceTags, "handler-failed");
    this.#connection = new MuxConnection(
      this.#stream,
      this.#batch,
      writeRequestParts,
      reader,
      this,
      true,
    );
    this.#helloTimer = setTimeout(() => this.#connection.release(), helloMs).unref();
  }

  /** Whether exchanges can be opened. */
  get open(): boolean {
    return this.#state === "open";
  }

  /** Whether something waits to be sent, so that what comes now goes out with it. */
  get gathers(): boolean {
    return this.#connection.gathers;
  }

  /** Exchanges that are open, including those of which nothing was sent yet. */
  get exchangeCount(): number {
    return this.#exchanges.size + this.#unopened.size;
  }

  /** Resolves with the reason when no more exchanges can be opened. Never rejects. */
  get lost(): Promise<ServeHTTPError> {
    return this.#lost.promise;
  }

  /** Opens an exchange. Only while `open`. */
  openExchange(receiver: PartReceiver<ResponseParts>): ExchangeChannel<RequestParts> {
    const exchange = new MuxExchange(this, this.#batch, 0, this.#incoming, receiver);
    this.#unopened.add(exchange);
    return exchange;
  }

  /**
   * Opens no more exchanges, and ends the RPC when those that are open are over. `lost` resolves
   * with `reason`.
   */
  close(reason = pluginClosing): void {
    if (this.#state !== "open") {
      return;
    }
    this.#state = "draining";
    this.#lost.resolve(reason);
    this.#endWhenIdle();
  }

  receiveFrame(frame: IncomingFrame): void {
    const { exchangeId } = frame;
    const exchange = this.#exchanges.get(exchangeId);
    if (exchange !== undefined) {
      exchange.receiveFrame(frame);
    } else if (exchangeId > this.#lastId) {
      const message = `a frame of exchange ${exchangeId}, which was never opened`;
      throw new ServeHTTPError("protocol-violation", message);
    }
  }

  receiveHead(fields: HeaderFields): void {
    const problem = grpcProblem(fields);
    if (problem !== undefined) {
      this.#connection.fail(problem);
    }
  }

  receiveEnd(status: HeaderFields): void {
    if (status["grpc-status"] !== "0") {
      this.#connection.fail(errorOfStatus(status["grpc-status"], status["grpc-message"]));
    }
    this.#stream.end();
  }

  receiveDraining(): void {
    this.close();
    this.#giveUnopenedBack(pluginClosing);
  }

  closed(error: ServeHTTPError): void {
    clearTimeout(this.#helloTimer);
    this.#state = "closed";
    this.#lost.resolve(error);
    for (const exchange of this.#exchanges.all()) {
      exchange.abort(error);
    }
    this.#giveUnopenedBack(error);
    this.#stream.cancel();
  }

  /** Gives back what was never sent: it may be opened elsewhere. */
  #giveUnopenedBack(cause: ServeHTTPError): void {
    if (this.#unopened.size === 0) {
      return;
    }
    const error = neverReached(cause);
    for (const exchange of this.#unopened) {
      exchange.abort(error, exchange.unsent);
    }
  }

  #onOpened(exchange: HostExchange, exchangeId: number): void {
    this.#lastId = exchangeId;
    if (this.#unopened.delete(exchange)) {
      this.#exchanges.add(exchange);
    }
  }

  forget(exchange: HostExchange): void {
    if (!this.#unopened.delete(exchange)) {
      this.#exchanges.delete(exchange);
    }
    this.#endWhenIdle();
  }

  #endWhenIdle(): void {
    if (this.#state === "draining" && this.exchangeCount === 0) {
      this.#connection.end();
    }
  }
}

const pluginClosing = new ServeHTTPError("plugin-closing", "the plugin is closing");
