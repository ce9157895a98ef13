import type { ExchangeChannel, PartReceiver } from "./exchange-channel.js";
import type { RequestParts, ResponseParts } from "./parts.js";
import type { ServeHTTPError } from "./servehttp-error.js";

/**
 * An exchange that can't be opened. It is given back, with all that was sent in it, as soon as
 * whoever opens it has got it.
 */
export class RefusedExchange implements ExchangeChannel<RequestParts> {
  readonly #sent: RequestParts[] = [];
  /** refused -> over [given back; reset] */
  #state: "refused" | "over" = "refused";

  constructor(receiver: PartReceiver<ResponseParts>, error: ServeHTTPError) {
    queueMicrotask(() => {
      if (this.#state === "refused") {
        this.#state = "over";
        receiver.abort(error, this.#sent);
      }
    });
  }

  send(parts: RequestParts): void {
    if (this.#state === "refused") {
      this.#sent.push(parts);
    }
  }

  reset(): void {
    this.#state = "over";
  }
}
