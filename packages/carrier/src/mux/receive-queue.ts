import {
  bodyBytesOf,
  type BodyParts,
  type GrowthBudget,
  muxWindowGrowthBytes,
  type PartReceiver,
  ReceiveWindow,
  type ServeHTTPError,
} from "@servehttp/contract";
import { PieceJoiner } from "../wire/piece-joiner.js";

/** Gives the other side credit for what was taken: a `FrameQueue`. */
export interface Creditor {
  giveCredit(bytes: number): void;
}

/**
 * One exchange's way in on mux: hands parts to their receiver one at a time, keeps what comes meanwhile, and gives credit
 * back for what was taken. What it keeps is bounded by the credit, however small the chunks are in which it came.
 */
export class ReceiveQueue<Parts extends BodyParts> {
  readonly #receiver: PartReceiver<Parts>;
  readonly #creditor: Creditor;
  readonly #budget: GrowthBudget;
  readonly #merge: (pending: Parts, parts: Parts) => boolean;
  #grownBytes = 0;
  /** Made with the first body: most exchanges have none to speak of. */
  #window: ReceiveWindow | undefined;
  #state: "free" | "busy" | "closed" = "free";
  #waiting: Parts[] | undefined;
  #joiner: PieceJoiner | undefined;

  /** `budget` is shared by the exchanges of an RPC; `merge` adds parts to others where one message could carry both. */
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
   * Takes parts that have passed the order check.
   *
   * @throws ServeHTTPError `protocol-violation` for bytes beyond the credit.
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

  /** The exchange was given up: what waits is dropped. */
  abort(error: ServeHTTPError): void {
    this.close();
    this.#receiver.abort(error);
  }

  /** Delivers nothing any more. */
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
        // Behind its bytes it is as small as can be.
        this.#merge(last, parts);
        return;
      }
    }
    this.#joiner?.release();
    this.#waiting.push(parts);
  }

  /** Moves the bytes of the parts to those of the last ones, where both have some and there are few. */
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
    // Looked at before: the receiver may keep the parts and take their bytes away.
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
        // Its bytes are the receiver's now.
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

  /** Nothing more comes that could need the wider window. */
  #giveBack(): void {
    this.#budget.giveBack(this.#grownBytes);
    this.#grownBytes = 0;
  }
}
