import {
  advanceExchange,
  type BodyParts,
  type ExchangeChannel,
  type ExchangeSide,
  type ExchangeState,
  type FrameBatch,
  type FrameQueue,
  type GrowthBudget,
  hasEnded,
  type PartReceiver,
  type RequestOrder,
  type ResponseOrder,
  Room,
  ServeHTTPError,
  type Unsent,
} from "@servehttp/contract";
import { answered } from "../schedule/answered.js";
import type { WireReader } from "../wire/wire-reader.js";
import type { IncomingFrame, PieceTags } from "./mux-frame-reader.js";
import { ReceiveQueue } from "./receive-queue.js";

/**
 * How an end reads and checks the parts that it receives. The host receives parts of the plugin's
 * direction, and the plugin those of the host's.
 */
export interface IncomingParts<In, Order> {
  /** The end that sends them. */
  readonly from: ExchangeSide;
  readonly initialOrder: Order;
  readonly pieceTags: PieceTags;
  read(reader: WireReader): In;
  /** @throws ServeHTTPError `protocol-violation` */
  advance(order: Order, parts: In, state: ExchangeState): Order;
  /** Adds parts to those that wait. Returns false where one message can't carry both. */
  readonly merge: (pending: In, parts: In) => boolean;
  /** The error for the receiver, where the parts are out of order. */
  failureOf(violation: ServeHTTPError): ServeHTTPError;
}

/** The mux to which an exchange belongs. */
export interface ExchangeOwner<Exchange> {
  readonly budget: GrowthBudget;
  /** The exchange is over. */
  forget(exchange: Exchange): void;
}

/** One end of an exchange on mux: the host's or the plugin's. */
export class MuxExchange<
  Out extends BodyParts,
  In extends BodyParts,
  Order extends RequestOrder | ResponseOrder,
> implements ExchangeChannel<Out> {
  readonly #owner: ExchangeOwner<MuxExchange<Out, In, Order>>;
  readonly #incoming: IncomingParts<In, Order>;
  readonly #side: ExchangeSide;
  readonly #queue: FrameQueue<Out, MuxExchange<Out, In, Order>>;
  readonly #receiver: PartReceiver<In>;
  /** Made for the first parts that are not the last: most small responses come whole. */
  #receiveQueue: ReceiveQueue<In> | undefined;
  /** Made for the first one who waits, which in most exchanges nobody does. */
  #room: Room | undefined;
  /** The order of the parts received. */
  #order: Order;
  #progress: ExchangeState = "open";
  /** open -> over [#finish]: this end has sent everything, or either end gave up */
  #state: "open" | "over" = "open";
  /** Whether parts that come are still for the receiver. */
  #receiving: "open" | "closed" = "open";
  linkedIn: object | undefined = undefined;
  previousLinked: MuxExchange<Out, In, Order> | undefined = undefined;
  nextLinked: MuxExchange<Out, In, Order> | undefined = undefined;
  nextInTable: MuxExchange<Out, In, Order> | undefined = undefined;

  /**
   * `exchangeId` is 0 at the host. `receiver` gets the parts that come, or returns who gets them.
   */
  constructor(
    owner: ExchangeOwner<MuxExchange<Out, In, Order>>,
    batch: FrameBatch<Out, MuxExchange<Out, In, Order>>,
    exchangeId: number,
    incoming: IncomingParts<In, Order>,
    receiver: PartReceiver<In> | ((channel: ExchangeChannel<Out>) => PartReceiver<In>),
  ) {
    this.#owner = owner;
    this.#incoming = incoming;
    this.#side = incoming.from === "plugin" ? "host" : "plugin";
    this.#order = incoming.initialOrder;
    this.#queue = batch.open(exchangeId, this);
    this.#receiver = typeof receiver === "function" ? receiver(this) : receiver;
  }

  /** 0 at the host until the first frame is sent. */
  get id(): number {
    return this.#queue.exchangeId;
  }

  send(parts: Out): void | Promise<void> {
    if (this.#state === "over" || hasEnded(this.#side, this.#progress)) {
      return undefined;
    }
    this.#progress = advanceExchange(this.#side, this.#progress, parts);
    const hasRoom = this.#queue.enqueue(parts);
    this.#finishOnceSent();
    return hasRoom || this.#state !== "open" ? undefined : (this.#room ??= new Room()).wait();
  }

  reset(error: ServeHTTPError): void {
    if (this.#state === "over") {
      return;
    }
    this.#closeReceiving();
    if (error.code === "request-not-needed" && hasEnded(this.#side, this.#progress)) {
      // The reset is sent after everything that waits, which may still need credit.
      this.#queue.resetBehind(error);
      return;
    }
    this.#queue.reset(error);
    this.#finish(error);
  }

  /** There is room again. */
  goOn(): void {
    this.#room?.open();
  }

  /** Everything that this end had to send is in a batch. */
  sent(): void {
    if (this.#state === "open") {
      if (this.#order !== "tunnel-ended") {
        // The plugin has answered in full and takes no more of the request.
        this.#closeReceiving();
      }
      this.#finish(undefined);
    }
  }

  receiveFrame(frame: IncomingFrame): void {
    const { broken, creditBytes, parts, piece, reset } = frame;
    if (parts !== undefined) {
      this.#receiveParts(this.#incoming.read(parts));
    } else if (piece !== undefined) {
      const isBody = frame.pieceTag === this.#incoming.pieceTags.chunk;
      const ofPiece: BodyParts = isBody ? { chunk: piece } : { tunnelChunk: piece };
      this.#receiveParts(ofPiece as In);
    }
    if (broken !== undefined) {
      this.giveUp(broken);
    }
    if (creditBytes > 0) {
      this.#queue.grant(creditBytes);
    }
    if (reset !== undefined) {
      this.abort(reset, this.#isUnseen(reset) ? "not-kept" : undefined);
    }
  }

  /** All that it was given to send, where nothing of it has been sent; else undefined. */
  get unsent(): readonly Out[] | undefined {
    return this.#queue.unsent;
  }

  /**
   * The other end gave the exchange up, or the RPC is over.
   *
   * @param unsent there where no handler has seen anything of it
   */
  abort(error: ServeHTTPError, unsent?: Unsent): void {
    if (this.#state === "over") {
      return;
    }
    this.#finish(error);
    this.#queue.forget();
    this.#closeReceiving();
    this.#receiver.abort(error, unsent);
  }

  /** Gives the exchange up and tells both ends. */
  giveUp(error: ServeHTTPError): void {
    this.#queue.reset(error);
    this.#finish(error);
    this.#closeReceiving();
    this.#receiver.abort(this.#incoming.failureOf(error));
  }

  /** Whether the plugin has refused the exchange before any handler has seen it. */
  #isUnseen({ code }: ServeHTTPError): boolean {
    const hasNothingCome = this.#order === this.#incoming.initialOrder;
    return this.#side === "host" && code === "overload" && hasNothingCome;
  }

  #receiveParts(parts: In): void {
    const { from } = this.#incoming;
    try {
      this.#order = this.#incoming.advance(this.#order, parts, this.#progress);
    } catch (error) {
      // Parts out of order end this exchange only.
      this.giveUp(ServeHTTPError.from(error));
      return;
    }
    this.#progress = advanceExchange(from, this.#progress, parts);
    if (from === "plugin" && parts.end !== undefined) {
      // The plugin needs no more of the request, so what waits of it is dropped.
      this.#finish(answered);
      this.#queue.forget();
    } else {
      this.#finishOnceSent();
    }
    this.#deliver(parts);
  }

  #deliver(parts: In): void {
    if (this.#receiving === "closed") {
      return;
    }
    if (this.#receiveQueue === undefined && this.#progress === "over") {
      // Whole, and the last that comes: nothing waits behind it, and no credit is given for it.
      void this.#receiver.receive(parts);
      return;
    }
    const { budget } = this.#owner;
    const { merge } = this.#incoming;
    this.#receiveQueue ??= new ReceiveQueue(this.#receiver, this.#queue, budget, merge);
    this.#receiveQueue.receive(parts);
  }

  /** Drops what waits for the receiver, and hands nothing on any more. */
  #closeReceiving(): void {
    this.#receiving = "closed";
    this.#receiveQueue?.close();
  }

  #finishOnceSent(): void {
    if (this.#progress === "over" && this.#queue.finish()) {
      this.sent();
    }
  }

  /** `reason` is for a sender that waits for room; undefined where nothing failed. */
  #finish(reason: ServeHTTPError | undefined): void {
    this.#state = "over";
    if (reason === undefined) {
      this.#room?.open();
    } else {
      this.#room?.close(reason);
    }
    this.#owner.forget(this);
  }
}
