import {
  advanceResponse,
  type ExchangeChannel,
  initialResponseOrder,
  isHijacked,
  isResponseOver,
  type PartReceiver,
  type RequestParts,
  type ResponseOrder,
  type ResponseParts,
  type ServeHTTPError,
} from "@servehttp/contract";

/** What a memory channel hands on. */
export interface MemoryChannelEvents {
  /** Parts that the plugin sent, checked for their order. A promise holds the plugin back. */
  readonly onParts: (parts: ResponseParts) => void | Promise<void>;
  /** The plugin gave the exchange up. */
  readonly onReset: (error: ServeHTTPError) => void;
}

/**
 * The way out of an exchange that no carrier carries: parts go to a function. It keeps the promises of ExchangeChannel: order
 * is checked, nothing goes after the end, and who waits for room is told when the exchange is given up.
 */
export class MemoryChannel implements ExchangeChannel<ResponseParts> {
  readonly #events: MemoryChannelEvents;
  #order: ResponseOrder = initialResponseOrder;
  #isReset = false;
  #waiting = new Set<(error: ServeHTTPError) => void>();

  constructor(events: MemoryChannelEvents) {
    this.#events = events;
  }

  /** Whether the plugin can say nothing more. */
  get isOver(): boolean {
    return this.#isReset || isResponseOver(this.#order);
  }

  /** Whether the plugin has taken the connection over. */
  get isHijacked(): boolean {
    return isHijacked(this.#order);
  }

  send(parts: ResponseParts): void | Promise<void> {
    if (this.isOver) {
      return undefined;
    }
    this.#order = advanceResponse(this.#order, parts);
    const room = this.#events.onParts(parts);
    if (room === undefined) {
      return undefined;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.add(reject);
    const proceed = (): void => {
      this.#waiting.delete(reject);
      resolve();
    };
    room.then(proceed, proceed);
    return promise;
  }

  reset(error: ServeHTTPError): void {
    if (!this.#isReset) {
      this.#giveUp(error);
      this.#events.onReset(error);
    }
  }

  /** The other side gives up: the plugin's end is told, and whoever waits for room. */
  abort(receiver: PartReceiver<RequestParts>, error: ServeHTTPError): void {
    if (!this.#isReset) {
      this.#giveUp(error);
      receiver.abort(error);
    }
  }

  #giveUp(error: ServeHTTPError): void {
    this.#isReset = true;
    for (const reject of this.#waiting) {
      reject(error);
    }
    this.#waiting.clear();
  }
}
