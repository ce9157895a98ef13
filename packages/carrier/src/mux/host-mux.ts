import {
  advanceResponse,
  type ExchangeChannel,
  FrameBatch,
  type FrameQueue,
  GrowthBudget,
  initialResponseOrder,
  isResponseOver,
  mergeResponseParts,
  type PartReceiver,
  requestPartRules,
  type RequestParts,
  type ResponseOrder,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { answered } from "../schedule/answered.js";
import { brokenOrder, errorOfStatus, grpcProblem } from "../wire/grpc-status.js";
import { ReceiveQueue } from "./receive-queue.js";
import { type IncomingFrame, MuxFrameReader } from "./mux-frame-reader.js";
import { type MuxEnd, MuxConnection } from "./mux-connection.js";
import type { HeaderFields } from "../wire/header-fields.js";
import { readResponseParts, responsePieceTags } from "../wire/read-parts.js";
import type { RpcStream } from "./rpc-stream.js";
import { settledQuietly } from "../schedule/settled-quietly.js";
import { writeRequestParts } from "../wire/write-parts.js";

/** The host's end of a `ServeHTTPMux` RPC: opens exchanges, as many as it likes. */
export class HostMux implements MuxEnd {
  /** For its exchanges. */
  readonly budget = new GrowthBudget();
  readonly #stream: RpcStream;
  readonly #batch: FrameBatch<RequestParts, HostMuxExchange>;
  readonly #connection: MuxConnection<RequestParts, HostMuxExchange>;
  /** Exchanges of which nothing has gone out yet: they have no id. */
  readonly #unopened = new Set<HostMuxExchange>();
  readonly #exchanges = new Map<number, HostMuxExchange>();
  #lastId = 0;
  /**
   * open -> draining [close], draining -> closed [closed], open -> closed [closed]
   */
  #state: "open" | "draining" | "closed" = "open";
  readonly #lost = Promise.withResolvers<ServeHTTPError>();

  /** `stream` is that of the RPC, whose request has gone out. */
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
    );
  }

  /** Whether exchanges can be opened. */
  get open(): boolean {
    return this.#state === "open";
  }

  /** Exchanges that are open, those included of which nothing has gone out yet. */
  get exchangeCount(): number {
    return this.#exchanges.size + this.#unopened.size;
  }

  /** Settles, and never rejects, when no more exchanges can be opened, with the reason. */
  get lost(): Promise<ServeHTTPError> {
    return this.#lost.promise;
  }

  /** Opens an exchange. Only while `open`. */
  openExchange(receiver: PartReceiver<ResponseParts>): ExchangeChannel<RequestParts> {
    const exchange = new HostMuxExchange(this, this.#batch, receiver);
    this.#unopened.add(exchange);
    return exchange;
  }

  /** Opens no more exchanges, and ends the RPC when those that are open are over. `reason` is what `lost` tells. */
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
  }

  closed(error: ServeHTTPError): void {
    this.#state = "closed";
    this.#lost.resolve(error);
    for (const exchange of [...this.#exchanges.values(), ...this.#unopened]) {
      exchange.abort(error);
    }
    this.#exchanges.clear();
    this.#unopened.clear();
    this.#stream.cancel();
  }

  #onOpened(exchange: HostMuxExchange, exchangeId: number): void {
    this.#lastId = exchangeId;
    if (this.#unopened.delete(exchange)) {
      this.#exchanges.set(exchangeId, exchange);
    }
  }

  /** From an exchange that is over. */
  forget(exchange: HostMuxExchange): void {
    if (!this.#unopened.delete(exchange)) {
      this.#exchanges.delete(exchange.id);
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

/** The host's end of one exchange on mux. */
class HostMuxExchange implements ExchangeChannel<RequestParts> {
  readonly #mux: HostMux;
  readonly #queue: FrameQueue<RequestParts, HostMuxExchange>;
  readonly #receiveQueue: ReceiveQueue<ResponseParts>;
  #order: ResponseOrder = initialResponseOrder;
  #tunnelEndSent = false;
  /** open -> over [#finish] */
  #state: "open" | "over" = "open";
  #room: PromiseWithResolvers<void> | undefined;

  constructor(
    mux: HostMux,
    batch: FrameBatch<RequestParts, HostMuxExchange>,
    receiver: PartReceiver<ResponseParts>,
  ) {
    this.#mux = mux;
    this.#queue = batch.openNext(this);
    this.#receiveQueue = new ReceiveQueue(receiver, this.#queue, mux.budget, mergeResponseParts);
  }

  /** 0 while nothing of it has gone out. */
  get id(): number {
    return this.#queue.exchangeId;
  }

  send(parts: RequestParts): void | Promise<void> {
    if (this.#state === "over") {
      return undefined;
    }
    const room = this.#queue.enqueue(parts);
    if (parts.tunnelEnd === true) {
      this.#tunnelEndSent = true;
      this.#finishTunnel();
    }
    if (room || this.#state !== "open") {
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
    this.#queue.reset(error);
    this.#finish(error);
  }

  /** There is room again. */
  goOn(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  receiveFrame(frame: IncomingFrame): void {
    if (frame.parts !== undefined) {
      this.#receiveParts(readResponseParts(frame.parts));
    } else if (frame.piece !== undefined) {
      const isBody = frame.pieceTag === responsePieceTags.chunk;
      this.#receiveParts(isBody ? { chunk: frame.piece } : { tunnelChunk: frame.piece });
    }
    if (frame.broken !== undefined) {
      this.#giveUp(frame.broken);
    }
    if (frame.creditBytes > 0) {
      this.#queue.grant(frame.creditBytes);
    }
    if (frame.reset !== undefined && this.#state === "open") {
      this.#finish(frame.reset);
      this.#queue.forget();
      this.#receiveQueue.abort(frame.reset);
    }
  }

  /** The RPC is over. */
  abort(error: ServeHTTPError): void {
    if (this.#state === "open") {
      this.#state = "over";
      this.#room?.reject(error);
      this.#queue.forget();
      this.#receiveQueue.abort(error);
    }
  }

  #receiveParts(parts: ResponseParts): void {
    try {
      this.#order = advanceResponse(this.#order, parts);
    } catch (error) {
      this.#giveUp(ServeHTTPError.from(error));
      return;
    }
    if (this.#order === "ended") {
      // The plugin needs no more of the request, so what waits of it is dropped.
      this.#finish(answered);
      this.#queue.forget();
    } else {
      this.#finishTunnel();
    }
    this.#receiveQueue.receive(parts);
  }

  /** The order of one exchange's parts is that exchange's affair. */
  #giveUp(violation: ServeHTTPError): void {
    this.#queue.reset(violation);
    this.#finish(violation);
    this.#receiveQueue.abort(brokenOrder(violation));
  }

  /** A tunnel is over when both its ways have ended; what waits of ours still goes. */
  #finishTunnel(): void {
    if (isResponseOver(this.#order) && this.#tunnelEndSent && this.#queue.finish()) {
      this.#finish(undefined);
    }
  }

  /** The last part of our way is on its way. */
  sent(): void {
    if (this.#state === "open") {
      this.#finish(undefined);
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
    this.#mux.forget(this);
  }
}
