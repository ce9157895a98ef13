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

/** What a memory channel calls. */
export interface MemoryChannelEvents {
  /** Parts that the plugin sent, checked for their order. A promise holds the plugin back. */
  readonly onParts: (parts: ResponseParts) => void | Promise<void>;
  /** The plugin gave up the exchange. */
  readonly onReset: (error: ServeHTTPError) => void;
}

/**
 * The way out of an exchange in memory: parts go to a function. It keeps the promises of
 * ExchangeChannel: it checks the order, sends nothing after the end, and rejects the promises that
 * wait for room when the exchange is given up.
 */
export class MemoryChannel implements ExchangeChannel<ResponseParts> {
  readonly #events: MemoryChannelEvents;
  #order: ResponseOrder = initialResponseOrder;
  #isReset = false;
  #waiting = new Set<(error: ServeHTTPError) => void>();

  constructor(events: MemoryChannelEvents) {
    this.#events = events;
  }

  /** Whether the plugin can send nothing more. */
  get isOver(): boolean {
    return this.#isReset || isResponseOver(this.#order);
  }

  /** Whether the plugin has taken over the connection. */
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

  /** The other side gives up the exchange. */
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
