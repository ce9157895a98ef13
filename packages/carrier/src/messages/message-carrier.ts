import type { AcceptExchange, ServeHTTPError } from "@servehttp/contract";
import { networkExchangesMax } from "../limits.js";
import { PluginMux } from "../mux/plugin-mux.js";
import { WireWriter } from "../wire/wire-writer.js";
import { MessageExchange } from "./message-exchange.js";
import { MessageRpcStream } from "./message-rpc-stream.js";
import type { RpcMessages } from "./rpc-messages.js";

/**
 * Takes in exchanges, on both carriers, whose messages another RPC stack brings: one that speaks
 * another protocol than gRPC with protobuf. It costs what that stack costs, and copies each
 * message.
 */
export class MessageCarrier {
  readonly #accept: AcceptExchange;
  readonly #writer = new WireWriter();
  readonly #exchanges = new Set<MessageExchange>();
  readonly #muxes = new Set<PluginMux>();
  /** open -> draining [drain] */
  #state: "open" | "draining" = "open";

  /** @param accept called for each exchange; must not throw */
  constructor(accept: AcceptExchange) {
    this.#accept = accept;
  }

  /**
   * Serves a `ServeHTTP` RPC. Returns the messages of the plugin's direction; it throws a
   * ServeHTTPError where it fails.
   */
  serveHTTP(rpc: RpcMessages): AsyncIterableIterator<Uint8Array> {
    const exchange: MessageExchange = new MessageExchange(rpc, this.#writer, this.#accept, () =>
      this.#exchanges.delete(exchange),
    );
    this.#exchanges.add(exchange);
    return exchange.responses;
  }

  /**
   * Serves a `ServeHTTPMux` RPC. Returns the messages of the plugin's direction; it throws a
   * ServeHTTPError where it fails.
   */
  serveHTTPMux(rpc: RpcMessages): AsyncIterableIterator<Uint8Array> {
    const stream = new MessageRpcStream(rpc);
    const mux = new PluginMux(stream, this.#accept, networkExchangesMax);
    this.#muxes.add(mux);
    rpc.signal.addEventListener("abort", () => this.#muxes.delete(mux), { once: true });
    if (this.#state === "draining") {
      mux.drain();
    }
    return stream.responses;
  }

  /** Tells hosts on mux to open no more exchanges. */
  drain(): void {
    this.#state = "draining";
    for (const mux of this.#muxes) {
      mux.drain();
    }
  }

  /** Gives up all exchanges that are open: both their handlers and the host are told why. */
  giveUp(error: ServeHTTPError): void {
    for (const mux of this.#muxes) {
      mux.giveUp(error);
    }
    for (const exchange of this.#exchanges) {
      exchange.giveUp(error);
    }
  }
}
