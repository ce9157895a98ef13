import { type GrowthBudget, SendWindow } from "./flow-window.js";
import {
  bodyChunkBytesMax,
  muxGrowthAfterBytes,
  muxWaitingBytesMax,
  muxWaitingGrowthBytes,
  muxWindowBytes,
} from "./limits.js";
import { bodyBytesOf, type PartRules } from "./part-rules.js";
import type { BodyParts } from "./parts.js";
import type { ServeHTTPError } from "./servehttp-error.js";

/**
 * A frame of one exchange, to be sent. Its properties apply in this order, and at least one of the
 * last three is set.
 */
export interface Frame<Parts> {
  readonly exchangeId: number;
  readonly parts: Parts | undefined;
  /** Credit for the other end; 0 for none. */
  readonly creditBytes: number;
  readonly reset: ServeHTTPError | undefined;
}

/** A frame that is used again, so that a batch allocates none. */
export type ReusedFrame<Parts> = { -readonly [Key in keyof Frame<Parts>]: Frame<Parts>[Key] };

/** What a queue tells its `FrameBatch`. */
export interface FrameScheduler<Queue> {
  /** What may wait of bulk beyond what may wait of each exchange. */
  readonly budget: GrowthBudget;
  /** The queue's first frame is taken, and its exchange has no id yet. Returns the id. */
  noteOpened(queue: Queue): number;
  /** The queue may have something to send. */
  schedule(queue: Queue): void;
  /** The queue's last frame of parts is in a batch. */
  noteFinished(queue: Queue): void;
  /** The queue's sender was told to wait, and may be let go on. */
  noteRoom(queue: Queue): void;
}

/**
 * What each message that waits counts for, beside its bytes: 256. So a sender of many tiny chunks
 * is made to wait as well.
 */
const waitingPartBytes = 256;

/**
 * What one exchange still has to send on mux: the parts that wait for their turn or for credit, the
 * credit that it owes to the other end, and its reset. Made by `FrameBatch.open`.
 *
 * The carrier calls most methods. `FrameBatch` calls those that begin with `take`, and the getters
 * that go with them.
 *
 * Its states:
 *
 *   open                       -> finished   [finish: nothing waits]
 *   open                       -> finishing  [finish: parts wait]
 *   open, finishing, finished  -> finishing  [resetBehind]
 *   finishing                  -> finished   [#fill: the last parts are taken]
 *   finishing                  -> over       [#fill: the reset is taken]
 *   open, finishing, finished  -> resetting  [reset]
 *   resetting                  -> over       [#fill: the reset is taken]
 *   any                        -> over       [forget; reset of an exchange that was never opened]
 *
 * It takes parts while it is open, and credit until it is resetting. Later ones are ignored.
 */
export class FrameQueue<Parts extends BodyParts, Owner> {
  /** Who opened the exchange: the listener of `FrameBatch` is called with it. */
  readonly owner: Owner;
  /** The lists of `FrameBatch` that it is in, as a set of bits. Only `FrameBatch` uses it. */
  lists = 0;
  /** The next queue in a list of `FrameBatch`. Only `FrameBatch` uses it. */
  next: FrameQueue<Parts, Owner> | undefined = undefined;

  readonly #scheduler: FrameScheduler<FrameQueue<Parts, Owner>>;
  readonly #rules: PartRules<Parts>;
  /** Made for the first credit or the first bytes of body, since most exchanges have none. */
  #window: SendWindow | undefined = undefined;
  #exchangeId: number;
  #state: "open" | "finishing" | "finished" | "resetting" | "over" = "open";
  #first: Parts | undefined = undefined;
  /** Parts behind the first that could not be merged with it. */
  #others: Parts[] | undefined = undefined;
  #waitingBytes = 0;
  #grownBytes = 0;
  #sender: "goes-on" | "waits" = "goes-on";
  #creditBytes = 0;
  #reset: ServeHTTPError | undefined = undefined;

  constructor(
    scheduler: FrameScheduler<FrameQueue<Parts, Owner>>,
    rules: PartRules<Parts>,
    exchangeId: number,
    owner: Owner,
  ) {
    this.#scheduler = scheduler;
    this.#rules = rules;
    this.#exchangeId = exchangeId;
    this.owner = owner;
  }

  /** The exchange's id; 0 until its first frame is taken. */
  get exchangeId(): number {
    return this.#exchangeId;
  }

  /** Bytes that wait, and 256 for each message that they are in. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /**
   * Queues parts, whose order was checked. They belong to the queue from here on. Returns false
   * where the sender should wait; `onRoom` is then called when there is room again. The parts are
   * queued either way.
   */
  enqueue(parts: Parts): boolean {
    if (this.#state !== "open") {
      return true;
    }
    const others = this.#others;
    const last = others === undefined ? this.#first : others[others.length - 1];
    if (last === undefined) {
      this.#first = parts;
      this.#waitingBytes += waitingPartBytes + bodyBytesOf(parts);
    } else if (this.#rules.merge(last, parts)) {
      this.#waitingBytes += bodyBytesOf(parts);
    } else {
      this.#waitingBytes += waitingPartBytes + bodyBytesOf(parts);
      if (others === undefined) {
        this.#others = [parts];
      } else {
        others.push(parts);
      }
    }
    this.#scheduler.schedule(this);
    if (this.#waitingBytes < muxWaitingBytesMax + this.#grownBytes) {
      return true;
    }
    this.#sender = "waits";
    return false;
  }

  /**
   * Counts credit from the other end.
   *
   * @throws ServeHTTPError `protocol-violation` where the open credit exceeds `muxCreditBytesMax`
   */
  grant(bytes: number): void {
    if (this.#state === "open" || this.#state === "finishing") {
      this.#madeWindow().grant(bytes);
      this.#scheduler.schedule(this);
    }
  }

  /** Gives credit to the other end: what `ReceiveWindow.consume` returned. Does nothing for 0. */
  giveCredit(bytes: number): void {
    if (bytes > 0 && this.#state !== "resetting" && this.#state !== "over") {
      this.#creditBytes += bytes;
      this.#scheduler.schedule(this);
    }
  }

  /**
   * Says that no more parts will come. Returns true where none wait. Otherwise `onFinished` is
   * called once the last of them is in a batch; until then they may need credit, so the carrier
   * must still be able to `grant` it.
   */
  finish(): boolean {
    if (this.#state === "open") {
      this.#state = this.#first === undefined ? "finished" : "finishing";
      if (this.#state === "finished") {
        this.#giveBack();
      }
    }
    return this.#state !== "finishing";
  }

  /**
   * Gives the exchange up at once: drops what waits, and sends only the reset. Sends nothing where
   * the other end has never heard of the exchange.
   */
  reset(error: ServeHTTPError): void {
    if (this.#state === "resetting" || this.#state === "over") {
      return;
    }
    if (this.#exchangeId === 0) {
      this.forget();
      return;
    }
    this.#drop();
    this.#state = "resetting";
    this.#reset = error;
    this.#scheduler.schedule(this);
  }

  /**
   * Sends a reset behind everything that waits. So "no more of the request is needed" follows the
   * response. No more parts may come. `onFinished` is called once the reset is in a batch.
   */
  resetBehind(error: ServeHTTPError): void {
    if (this.#state === "resetting" || this.#state === "over") {
      return;
    }
    this.#state = "finishing";
    this.#reset = error;
    this.#scheduler.schedule(this);
  }

  /**
   * All that was queued, in order, of an exchange that was never opened; undefined for one of which
   * something was taken.
   */
  get unsent(): readonly Parts[] | undefined {
    if (this.#exchangeId !== 0) {
      return undefined;
    }
    return this.#first === undefined ? [] : [this.#first, ...(this.#others ?? [])];
  }

  /**
   * Drops everything and sends nothing any more: the other end gave up, or the connection is lost.
   */
  forget(): void {
    this.#drop();
    this.#state = "over";
    this.#reset = undefined;
  }

  /** Whether a frame without body bytes can be sent: credit, a reset, a head, an end. */
  get hasControl(): boolean {
    if (this.#creditBytes > 0) {
      return true;
    }
    const first = this.#first;
    if (first === undefined) {
      return this.#reset !== undefined;
    }
    // A head may be sent before its chunk, which has no credit.
    return bodyBytesOf(first) === 0 || (this.#openBytes() === 0 && this.#rules.hasHead(first));
  }

  /** Whether a frame with body bytes can be sent: some are first in the queue and have credit. */
  get hasBody(): boolean {
    const first = this.#first;
    return first !== undefined && this.#sendableBytes(first) > 0;
  }

  /**
   * The size on the wire of the next frame with body bytes, heads included; 0 where none can be
   * sent.
   */
  get bodyFrameBytes(): number {
    const first = this.#first;
    if (first === undefined) {
      return 0;
    }
    const bodyBytes = this.#sendableBytes(first);
    return bodyBytes === 0 ? 0 : bodyBytes + this.#rules.headBytes(first);
  }

  /** Takes the next frame without body bytes. Only where `hasControl`. */
  takeControl(frame: ReusedFrame<Parts>): void {
    const first = this.#first;
    if (first === undefined) {
      this.#fill(frame, undefined);
    } else if (bodyBytesOf(first) === 0) {
      this.#shift(waitingPartBytes);
      this.#fill(frame, first);
    } else if (this.#openBytes() === 0 && this.#rules.hasHead(first)) {
      this.#first = this.#rules.rest(first, 0);
      this.#fill(frame, this.#rules.front(first, 0));
    } else {
      this.#fill(frame, undefined);
    }
  }

  /** Takes the next frame with body bytes. Only where `bodyFrameBytes` is not 0. */
  takeBody(frame: ReusedFrame<Parts>): void {
    const first = this.#first as Parts;
    const bodyBytes = this.#sendableBytes(first);
    this.#take(bodyBytes);
    if (bodyBytes === bodyBytesOf(first)) {
      this.#shift(waitingPartBytes + bodyBytes);
      this.#fill(frame, first);
      return;
    }
    this.#waitingBytes -= bodyBytes;
    this.#first = this.#rules.rest(first, bodyBytes);
    this.#fill(frame, this.#rules.front(first, bodyBytes));
  }

  /** Whether the sender was told to wait and there is room now. It counts as going on then. */
  takeRoom(): boolean {
    const waitingBytesMax = muxWaitingBytesMax + this.#grownBytes;
    if (this.#sender === "goes-on" || 2 * this.#waitingBytes > waitingBytesMax) {
      return false;
    }
    this.#sender = "goes-on";
    return true;
  }

  /** How many bytes of body may be sent now. */
  #openBytes(): number {
    return this.#window === undefined ? muxWindowBytes : this.#window.openBytes;
  }

  #take(bytes: number): void {
    const window = this.#madeWindow();
    window.take(bytes);
    if (
      this.#grownBytes === 0 &&
      window.takenBytes >= muxGrowthAfterBytes &&
      this.#scheduler.budget.take(muxWaitingGrowthBytes)
    ) {
      this.#grownBytes = muxWaitingGrowthBytes;
    }
  }

  #giveBack(): void {
    this.#scheduler.budget.giveBack(this.#grownBytes);
    this.#grownBytes = 0;
  }

  #madeWindow(): SendWindow {
    return (this.#window ??= new SendWindow());
  }

  #sendableBytes(parts: Parts): number {
    return Math.min(bodyBytesOf(parts), this.#openBytes(), bodyChunkBytesMax);
  }

  #shift(bytes: number): void {
    this.#waitingBytes -= bytes;
    const others = this.#others;
    if (others === undefined) {
      this.#first = undefined;
      return;
    }
    // Few wait at a time (`muxWaitingBytesMax`), so `shift` is cheap.
    this.#first = others.shift();
    if (others.length === 0) {
      this.#others = undefined;
    }
  }

  #fill(frame: ReusedFrame<Parts>, parts: Parts | undefined): void {
    if (this.#exchangeId === 0) {
      this.#exchangeId = this.#scheduler.noteOpened(this);
    }
    const creditBytes = this.#creditBytes;
    this.#creditBytes = 0;
    let reset: ServeHTTPError | undefined;
    if (this.#first === undefined) {
      reset = this.#reset;
      this.#reset = undefined;
      if (this.#state === "finishing") {
        this.#state = reset === undefined ? "finished" : "over";
        this.#giveBack();
        this.#scheduler.noteFinished(this);
      } else if (this.#state === "resetting") {
        this.#state = "over";
      }
    }
    if (this.#sender === "waits") {
      this.#scheduler.noteRoom(this);
    }
    frame.exchangeId = this.#exchangeId;
    frame.parts = parts;
    frame.creditBytes = creditBytes;
    frame.reset = reset;
  }

  #drop(): void {
    this.#first = undefined;
    this.#others = undefined;
    this.#waitingBytes = 0;
    this.#creditBytes = 0;
    this.#giveBack();
    this.#sender = "goes-on";
  }
}
