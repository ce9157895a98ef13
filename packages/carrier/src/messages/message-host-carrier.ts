import {
  type ExchangeChannel,
  type PartReceiver,
  RefusedExchange,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { WireWriter } from "../wire/wire-writer.js";
import { HostMessageExchange, type ServeHTTPCall } from "./host-message-exchange.js";

/** The connection on which another RPC stack calls a plugin. */
export interface CallConnection {
  /** Settles when no more calls can be made, with the reason. Never rejects. */
  readonly lost: Promise<ServeHTTPError>;
  /** How many calls the plugin's server takes at once. */
  readonly callsMax: number;
  /** Closes it at once, or when all calls are over. */
  close(how: "drained" | "now"): void;
}

/**
 * Carries exchanges to a plugin, one `ServeHTTP` RPC each, by another RPC stack: for plugins that
 * speak another protocol than gRPC. It costs what that stack costs, and copies each message.
 */
export class MessageHostCarrier {
  /** Each exchange is a call of its own, which is written at once. */
  readonly gathers = false;
  readonly lost: Promise<ServeHTTPError>;
  readonly #call: ServeHTTPCall;
  readonly #connection: CallConnection;
  readonly #writer = new WireWriter();
  readonly #exchanges = new Set<HostMessageExchange>();
  readonly #idle = Promise.withResolvers<void>();
  /** open -> closing [close] */
  #state: "open" | "closing" = "open";

  constructor(call: ServeHTTPCall, connection: CallConnection) {
    this.#call = call;
    this.#connection = connection;
    this.lost = connection.lost;
  }

  /**
   * Opens an exchange.
   *
   * @throws ServeHTTPError `connection-lost` where no more can be opened
   */
  open(receiver: PartReceiver<ResponseParts>): ExchangeChannel<RequestParts> {
    if (this.#state === "closing") {
      throw new ServeHTTPError("connection-lost", "the connection to the plugin is closing");
    }
    if (this.#exchanges.size >= this.#connection.callsMax) {
      return new RefusedExchange(receiver, noRoom);
    }
    const exchange: HostMessageExchange = new HostMessageExchange(
      this.#call,
      this.#writer,
      receiver,
      () => this.#forget(exchange),
    );
    this.#exchanges.add(exchange);
    return exchange;
  }

  /**
   * Opens no more exchanges, and closes the connection: when the exchanges are over, or with `now`
   * at once. Resolves when it is closed.
   */
  async close(how: "drained" | "now"): Promise<void> {
    this.#state = "closing";
    if (how === "now") {
      for (const exchange of this.#exchanges) {
        exchange.fail(new ServeHTTPError("connection-lost", "the connection was closed"));
      }
    }
    this.#closeWhenIdle();
    await this.#idle.promise;
    this.#connection.close(how);
  }

  #forget(exchange: HostMessageExchange): void {
    this.#exchanges.delete(exchange);
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#state === "closing" && this.#exchanges.size === 0) {
      this.#idle.resolve();
    }
  }
}

const noRoom = new ServeHTTPError("overload", "the plugin's server takes no more streams");
