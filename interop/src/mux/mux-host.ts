import type { RequestBatchInit, RequestInit, Response, ResponseBatch } from "../messages.js";
import { MessageQueue } from "./message-queue.js";
import { type Frame, MuxExchange } from "./mux-exchange.js";

const resetCodeClientDisconnected = 1;

/** The mux carrier on the host's side: every exchange of a plugin over one ServeHTTPMux RPC of any stack. */
export class MuxHost implements Disposable {
  readonly #outbox = new MessageQueue<Frame<RequestInit>>();
  readonly #exchanges = new Map<bigint, MuxExchange<Response, RequestInit>>();
  #idLast = 0n;

  constructor(rpc: (batches: AsyncIterable<RequestBatchInit>) => AsyncIterable<ResponseBatch>) {
    void this.#readFrames(rpc(this.#batches()));
  }

  /** Opens an exchange. It is given up where the requests throw. */
  async *open(requests: AsyncIterable<RequestInit>): AsyncGenerator<Response> {
    const id = ++this.#idLast;
    const exchange = new MuxExchange<Response, RequestInit>(id, this.#outbox);
    this.#exchanges.set(id, exchange);
    void sendAll(requests, exchange);
    try {
      for await (const parts of exchange.received()) {
        yield parts;
        if (parts.end) {
          exchange.abort(new Error("the response is complete: no more of the request is needed"));
          return;
        }
      }
    } finally {
      this.#exchanges.delete(id);
      exchange.reset(resetCodeClientDisconnected, new Error("the client left"));
    }
  }

  /** Ends the RPC. */
  [Symbol.dispose](): void {
    this.#outbox.close();
  }

  async *#batches(): AsyncGenerator<RequestBatchInit> {
    const outbox = this.#outbox;
    for (let frames = await outbox.takeAll(); frames.length > 0; frames = await outbox.takeAll()) {
      yield { frames };
    }
  }

  async #readFrames(batches: AsyncIterable<ResponseBatch>): Promise<void> {
    let reason = new Error("the plugin ended the RPC");
    try {
      for await (const { frames } of batches) {
        for (const frame of frames) {
          this.#exchanges.get(frame.exchangeId)?.accept(frame);
        }
      }
    } catch (error) {
      reason = new Error("the RPC failed", { cause: error });
    }
    for (const exchange of this.#exchanges.values()) {
      exchange.abort(reason);
    }
  }
}

async function sendAll(
  requests: AsyncIterable<RequestInit>,
  exchange: MuxExchange<Response, RequestInit>,
): Promise<void> {
  try {
    for await (const parts of requests) {
      await exchange.send(parts);
    }
  } catch (error) {
    exchange.reset(resetCodeClientDisconnected, new Error("the client left", { cause: error }));
  }
}
