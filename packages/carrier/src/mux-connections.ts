import {
  type ExchangeChannel,
  type PartReceiver,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import type { DedicatedConnection } from "./http2/dedicated-connection.js";
import { steadyConnectionMs } from "./limits.js";
import { HostMux } from "./mux/host-mux.js";

/** A mux RPC, since when it takes exchanges. */
interface MuxRpc {
  readonly connection: DedicatedConnection;
  readonly mux: HostMux;
  readonly sinceMs: number;
}

/**
 * The mux carrier at the host: one RPC, on a connection of its own, for all exchanges. A plugin
 * that says it takes no more on it, by GOAWAY or by `draining`, gets another one: servers replace
 * connections by age. The exchanges on the one before end there.
 *
 *   open -> lost   [the RPC breaks; the plugin closes one that has just begun, or takes no other]
 *   any  -> closed [close]
 */
export class MuxConnections {
  readonly #begin: () => DedicatedConnection;
  readonly #nowMs: () => number;
  readonly #lost = Promise.withResolvers<ServeHTTPError>();
  /** Those that are not closed. */
  readonly #rpcs = new Set<MuxRpc>();
  readonly #closed = Promise.withResolvers<void>();
  #current: MuxRpc;
  #state: "open" | "lost" | "closed" = "open";

  /**
   * `first` has its RPC; `begin` begins another one, over a socket that may still be connecting.
   * `nowMs` is a clock that only goes forward.
   */
  constructor(first: DedicatedConnection, begin: () => DedicatedConnection, nowMs: () => number) {
    this.#begin = begin;
    this.#nowMs = nowMs;
    this.#current = this.#keep(first);
  }

  get lost(): Promise<ServeHTTPError> {
    return this.#lost.promise;
  }

  get gathers(): boolean {
    return this.#current.mux.gathers;
  }

  open(receiver: PartReceiver<ResponseParts>): ExchangeChannel<RequestParts> {
    const { mux } = this.#current;
    if (!mux.open) {
      throw new ServeHTTPError("connection-lost", "the connection to the plugin is closing");
    }
    return mux.openExchange(receiver);
  }

  async close(how: "drained" | "now"): Promise<void> {
    this.#state = "closed";
    if (how === "drained") {
      this.#current.mux.close();
    } else {
      for (const { connection } of this.#rpcs) {
        connection.destroy();
      }
    }
    this.#closeWhenIdle();
    await this.#closed.promise;
  }

  #keep(connection: DedicatedConnection): MuxRpc {
    const rpc = { connection, mux: new HostMux(connection), sinceMs: this.#nowMs() };
    this.#rpcs.add(rpc);
    void rpc.mux.lost.then((reason) => this.#onLost(rpc, reason));
    void connection.gone.then(() => {
      this.#rpcs.delete(rpc);
      this.#closeWhenIdle();
    });
    return rpc;
  }

  #onLost(rpc: MuxRpc, reason: ServeHTTPError): void {
    if (this.#state !== "open") {
      return;
    }
    if (reason.code === "plugin-closing" && this.#nowMs() - rpc.sinceMs >= steadyConnectionMs) {
      this.#current = this.#keep(this.#begin());
      return;
    }
    this.#state = "lost";
    // One that could not be made: the plugin had said before that it goes.
    const isUnreached = reason.code === "unavailable";
    this.#lost.resolve(
      isUnreached
        ? new ServeHTTPError("plugin-closing", "the plugin is closing", { cause: reason })
        : reason,
    );
  }

  #closeWhenIdle(): void {
    if (this.#state === "closed" && this.#rpcs.size === 0) {
      this.#closed.resolve();
    }
  }
}
