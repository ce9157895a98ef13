import {
  bodyBytesOf,
  type BodyParts,
  type GrowthBudget,
  muxWindowGrowthBytes,
  type PartReceiver,
  ReceiveWindow,
} from "@servehttp/contract";
import { PieceJoiner } from "../wire/piece-joiner.js";

/** What gives credit to the other end: a `FrameQueue`. */
export interface Creditor {
  giveCredit(bytes: number): void;
}

/**
 * What one exchange receives on mux. It hands parts to their receiver one at a time, keeps those
 * that come meanwhile, and gives credit back for what was taken. The credit bounds what it keeps,
 * however small the chunks are.
 */
export class ReceiveQueue<Parts extends BodyParts> {
  readonly #receiver: PartReceiver<Parts>;
  readonly #creditor: Creditor;
  readonly #budget: GrowthBudget;
  readonly #merge: (pending: Parts, parts: Parts) => boolean;
  #grownBytes = 0;
  /** Made for the first bytes of body, since most exchanges have none. */
  #window: ReceiveWindow | undefined;
  #state: "free" | "busy" | "closed" = "free";
  #waiting: Parts[] | undefined;
  #joiner: PieceJoiner | undefined;

  /**
   * The exchanges of an RPC share `budget`. `merge` adds parts to others where one message could
   * carry both.
   */
  constructor(
    receiver: PartReceiver<Parts>,
    creditor: Creditor,
    budget: GrowthBudget,
    merge: (pending: Parts, parts: Parts) => boolean,
  ) {
    this.#receiver = receiver;
    this.#creditor = creditor;
    this.#budget = budget;
    this.#merge = merge;
  }

  /**
   * Receives parts whose order was checked.
   *
   * @throws ServeHTTPError `protocol-violation` for bytes beyond the credit
   */
  receive(parts: Parts): void {
    const bytes = bodyBytesOf(parts);
    if (bytes > 0) {
      this.#window ??= new ReceiveWindow();
      this.#window.receive(bytes);
    }
    if (this.#state === "busy") {
      this.#keep(parts);
    } else if (this.#state === "free") {
      this.#deliver(parts);
    }
  }

  /** Drops what waits, and hands nothing on any more. */
  close(): void {
    this.#state = "closed";
    this.#waiting = undefined;
    this.#joiner?.release();
    this.#giveBack();
  }

  #keep(parts: Parts): void {
    this.#waiting ??= [];
    const last = this.#waiting.at(-1);
    if (last !== undefined) {
      if (this.#merge(last, parts)) {
        return;
      }
      if (this.#joinOctets(last, parts)) {
        // What is left of the parts has no bytes any more, and always fits.
        this.#merge(last, parts);
        return;
      }
    }
    this.#joiner?.release();
    this.#waiting.push(parts);
  }

  /**
   * Moves the bytes of the parts to those of the last ones. Returns false where either has none, or
   * both together are too many.
   */
  #joinOctets(last: Parts, parts: Parts): boolean {
    const field = parts.chunk === undefined ? "tunnelChunk" : "chunk";
    const before = last[field];
    const octets = parts[field];
    if (before === undefined || octets === undefined) {
      return false;
    }
    this.#joiner ??= new PieceJoiner();
    const joined = this.#joiner.join(before, octets);
    if (joined === undefined) {
      return false;
    }
    last[field] = joined;
    delete parts[field];
    return true;
  }

  #deliver(parts: Parts): void {
    // Counted before: the receiver may keep the parts and remove their bytes.
    const bytes = bodyBytesOf(parts);
    if (parts.end !== undefined || parts.tunnelEnd === true) {
      this.#giveBack();
    }
    const taken = this.#receiver.receive(parts);
    if (this.#state === "closed") {
      return;
    }
    if (taken === undefined) {
      this.#consume(bytes);
      return;
    }
    this.#state = "busy";
    void taken.then(() => this.#goOn(bytes));
  }

  #goOn(bytes: number): void {
    if (this.#state === "closed") {
      return;
    }
    this.#state = "free";
    this.#consume(bytes);
    while (this.#state === "free") {
      const next = this.#waiting?.shift();
      if (next === undefined) {
        this.#waiting = undefined;
        return;
      }
      if (this.#waiting?.length === 0) {
        // The bytes belong to the receiver now.
        this.#joiner?.release();
      }
      this.#deliver(next);
    }
  }

  #consume(bytes: number): void {
    const window = this.#window;
    if (bytes === 0 || window === undefined) {
      return;
    }
    let creditBytes = window.consume(bytes);
    if (window.isTooNarrow && this.#budget.take(muxWindowGrowthBytes)) {
      this.#grownBytes = muxWindowGrowthBytes;
      creditBytes += window.widen(muxWindowGrowthBytes);
    }
    this.#creditor.giveCredit(creditBytes);
  }

  /** Gives the wider window back. */
  #giveBack(): void {
    this.#budget.giveBack(this.#grownBytes);
    this.#grownBytes = 0;
  }
}
