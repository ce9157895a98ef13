import { SendWindow } from "./flow-window.js";
import { bodyChunkBytesMax, muxWaitingBytesMax } from "./limits.js";
import { type BodyParts, bodyBytesOf, type PartRules } from "./part-rules.js";
import type { ServeHTTPError } from "./servehttp-error.js";

/** A frame of one exchange, to be sent. Its properties apply in this order; one of the last three at least is there. */
export interface Frame<Parts> {
  readonly exchangeId: number;
  readonly parts: Parts | undefined;
  /** Credit for the other side; 0 for none. */
  readonly creditBytes: number;
  readonly reset: ServeHTTPError | undefined;
}

/** What a queue tells the batches that it is part of. */
export interface FrameScheduler<Queue> {
  /** The queue's first frame goes, and the exchange has no id yet. Returns the id. */
  noteOpened(queue: Queue): number;
  /** The queue may have something to send. */
  schedule(queue: Queue): void;
  /** The queue has taken its last frame of parts into a batch. */
  noteFinished(queue: Queue): void;
  /** The queue's sender was told to wait, and may go on. */
  noteRoom(queue: Queue): void;
}

/**
 * What a part costs while it waits, beside its bytes. So a sender of many tiny chunks is made to wait as well.
 */
const waitingPartBytes = 256;

/**
 * One exchange's way out on mux: the parts that wait for their turn or for credit, the credit that it owes to the other
 * side, and its reset. Made by `FrameBatch.openNext` and `FrameBatch.open`.
 *
 * What the other methods do, an exchange's carrier calls; those that begin with `take`, and what they need, are for
 * `FrameBatch`.
 *
 * Its life:
 *
 *   open                       -> finished   [finish: nothing waits]
 *   open                       -> finishing  [finish: parts wait]
 *   open, finishing, finished  -> finishing  [resetBehind]
 *   finishing                  -> finished   [#makeFrame: the last parts go]
 *   finishing                  -> over       [#makeFrame: the reset goes with or behind the last parts]
 *   open, finishing, finished  -> resetting  [reset]
 *   resetting                  -> over       [#makeFrame: the reset goes]
 *   any                        -> over       [forget; reset of an exchange that was never opened]
 *
 * Parts are taken while it is open, credit until it is resetting. What comes later is ignored.
 */
export class FrameQueue<Parts extends BodyParts, Owner> {
  /** Whose queue it is: what the listener of `FrameBatch` is called with. */
  readonly owner: Owner;
  /** In which lists of `FrameBatch` it is, as a set of bits. Nobody else's business. */
  lists = 0;
  /** The next one in the list of `FrameBatch`. Nobody else's business. */
  next: FrameQueue<Parts, Owner> | undefined = undefined;

  readonly #scheduler: FrameScheduler<FrameQueue<Parts, Owner>>;
  readonly #rules: PartRules<Parts>;
  readonly #window = new SendWindow();
  #exchangeId: number;
  #state: "open" | "finishing" | "finished" | "resetting" | "over" = "open";
  #first: Parts | undefined = undefined;
  /** What waits behind the first and could not be merged with it. */
  #others: Parts[] | undefined = undefined;
  #waitingBytes = 0;
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

  /** The exchange's id; 0 where its opening frame has not gone yet. */
  get exchangeId(): number {
    return this.#exchangeId;
  }

  /** Bytes that wait, and 256 for each message in which they do. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /**
   * Queues parts, which have passed the order check and belong to the queue from here on. Returns whether there is room
   * for more; where there is none, `onRoom` is called when there is again. It is a request to wait, not a refusal:
   * the parts are queued either way.
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
    if (this.#waitingBytes < muxWaitingBytesMax) {
      return true;
    }
    this.#sender = "waits";
    return false;
  }

  /**
   * Notes credit from the other side. Throws a ServeHTTPError `protocol-violation` where it goes over
   * `muxCreditBytesMax`.
   */
  grant(bytes: number): void {
    if (this.#state === "open" || this.#state === "finishing") {
      this.#window.grant(bytes);
      this.#scheduler.schedule(this);
    }
  }

  /** Gives credit to the other side: what `ReceiveWindow.consume` returned. 0 is nothing. */
  giveCredit(bytes: number): void {
    if (bytes > 0 && this.#state !== "resetting" && this.#state !== "over") {
      this.#creditBytes += bytes;
      this.#scheduler.schedule(this);
    }
  }

  /**
   * Says that no more parts will come. Returns true where none wait; otherwise `onFinished` is called when the last of
   * them is in a batch. Until then they may need credit, so the carrier must still know the exchange to `grant` it.
   */
  finish(): boolean {
    if (this.#state === "open") {
      this.#state = this.#first === undefined ? "finished" : "finishing";
    }
    return this.#state !== "finishing";
  }

  /**
   * Gives the exchange up at once: what waits is dropped, and the reset is all that still goes. Nothing goes where the
   * other side has never heard of the exchange.
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
   * Sends a reset behind everything that waits: "no more of the request is needed" follows the response. No more
   * parts may come. `onFinished` is called when it is in a batch.
   */
  resetBehind(error: ServeHTTPError): void {
    if (this.#state === "resetting" || this.#state === "over") {
      return;
    }
    this.#state = "finishing";
    this.#reset = error;
    this.#scheduler.schedule(this);
  }

  /** Drops everything, and sends nothing any more: the other side gave up, or its connection is lost. */
  forget(): void {
    this.#drop();
    this.#state = "over";
    this.#reset = undefined;
  }

  /** Whether something can go that waits for nobody's body: credit, a reset, parts without body bytes. */
  get hasControl(): boolean {
    if (this.#creditBytes > 0) {
      return true;
    }
    const first = this.#first;
    if (first === undefined) {
      return this.#reset !== undefined;
    }
    // A head may stand before a chunk that has no credit.
    return bodyBytesOf(first) === 0 || (this.#window.openBytes === 0 && this.#rules.hasHead(first));
  }

  /** Whether a frame with body can go: some waits, nothing is in front of it, and there is credit. */
  get hasBody(): boolean {
    const first = this.#first;
    return first !== undefined && this.#sendableBytes(first) > 0;
  }

  /** What the next frame with body would take on the wire, heads and body; 0 where none can go. */
  get bodyFrameBytes(): number {
    const first = this.#first;
    if (first === undefined) {
      return 0;
    }
    const bodyBytes = this.#sendableBytes(first);
    return bodyBytes === 0 ? 0 : bodyBytes + this.#rules.headBytes(first);
  }

  /** Takes the next frame without body. Only where `hasControl`. */
  takeControl(): Frame<Parts> {
    const first = this.#first;
    if (first === undefined) {
      return this.#makeFrame(undefined);
    }
    if (bodyBytesOf(first) === 0) {
      this.#shift(waitingPartBytes);
      return this.#makeFrame(first);
    }
    if (this.#window.openBytes === 0 && this.#rules.hasHead(first)) {
      this.#first = this.#rules.rest(first, 0);
      return this.#makeFrame(this.#rules.front(first, 0));
    }
    return this.#makeFrame(undefined);
  }

  /** Takes the next frame with body. Only where `bodyFrameBytes` is not 0. */
  takeBody(): Frame<Parts> {
    const first = this.#first as Parts;
    const bodyBytes = this.#sendableBytes(first);
    this.#window.take(bodyBytes);
    if (bodyBytes === bodyBytesOf(first)) {
      this.#shift(waitingPartBytes + bodyBytes);
      return this.#makeFrame(first);
    }
    this.#waitingBytes -= bodyBytes;
    this.#first = this.#rules.rest(first, bodyBytes);
    return this.#makeFrame(this.#rules.front(first, bodyBytes));
  }

  /** Whether its sender waits and there is room; it then goes on. */
  takeRoom(): boolean {
    if (this.#sender === "goes-on" || 2 * this.#waitingBytes > muxWaitingBytesMax) {
      return false;
    }
    this.#sender = "goes-on";
    return true;
  }

  #sendableBytes(parts: Parts): number {
    return Math.min(bodyBytesOf(parts), this.#window.openBytes, bodyChunkBytesMax);
  }

  #shift(bytes: number): void {
    this.#waitingBytes -= bytes;
    const others = this.#others;
    if (others === undefined) {
      this.#first = undefined;
      return;
    }
    // Few wait at a time (`muxWaitingBytesMax`), so that to shift is cheap.
    this.#first = others.shift();
    if (others.length === 0) {
      this.#others = undefined;
    }
  }

  #makeFrame(parts: Parts | undefined): Frame<Parts> {
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
        this.#scheduler.noteFinished(this);
      } else if (this.#state === "resetting") {
        this.#state = "over";
      }
    }
    if (this.#sender === "waits") {
      this.#scheduler.noteRoom(this);
    }
    return { exchangeId: this.#exchangeId, parts, creditBytes, reset };
  }

  #drop(): void {
    this.#first = undefined;
    this.#others = undefined;
    this.#waitingBytes = 0;
    this.#creditBytes = 0;
    this.#sender = "goes-on";
  }
}
