import { type PartReceiver, ReceiveWindow, type ServeHTTPError } from "@servehttp/contract";

/** Parts that carry octets which need credit. */
interface BodyParts {
  chunk?: Uint8Array;
  tunnelChunk?: Uint8Array;
}

/**
 * One exchange's way in on mux: hands parts to their receiver one at a time, keeps what comes meanwhile, and gives credit
 * back for what was taken. What it keeps is bounded by the credit.
 */
export class MuxInbox<Parts extends BodyParts> {
  readonly #receiver: PartReceiver<Parts>;
  readonly #giveCredit: (bytes: number) => void;
  /** Made with the first body: most exchanges have none to speak of. */
  #window: ReceiveWindow | undefined;
  #state: "free" | "busy" | "closed" = "free";
  #waiting: Parts[] | undefined;

  constructor(receiver: PartReceiver<Parts>, giveCredit: (bytes: number) => void) {
    this.#receiver = receiver;
    this.#giveCredit = giveCredit;
  }

  /**
   * Takes parts that have passed the order check.
   *
   * @throws ServeHTTPError `protocol-violation` for octets beyond the credit.
   */
  receive(parts: Parts): void {
    const bytes = bodyBytes(parts);
    if (bytes > 0) {
      this.#window ??= new ReceiveWindow();
      this.#window.receive(bytes);
    }
    if (this.#state === "busy") {
      this.#waiting ??= [];
      this.#waiting.push(parts);
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
  }

  #deliver(parts: Parts): void {
    // Looked at before: the receiver may keep the parts and take their octets away.
    const bytes = bodyBytes(parts);
    const taken = this.#receiver.receive(parts);
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
        return;
      }
      this.#deliver(next);
    }
  }

  #consume(bytes: number): void {
    if (bytes > 0) {
      this.#giveCredit(this.#window?.consume(bytes) ?? 0);
    }
  }
}

function bodyBytes(parts: BodyParts): number {
  return (parts.chunk?.length ?? 0) + (parts.tunnelChunk?.length ?? 0);
}
