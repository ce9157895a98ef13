import type { IncomingMessage } from "node:http";
import type { PluginRequest } from "../handler/plugin-request.js";
import { completeIncoming, connectionReset } from "./node-request.js";

/**
 * Brings a request's body to Node's request, as that asks for it.
 *
 * unasked -> pumping, complete [resume]; pumping -> idle, complete, cut [#pump]; idle -> pumping [resume]
 * unasked, idle, pumping -> complete, cut [leave]
 */
export class NodeBodyPump {
  readonly #request: PluginRequest;
  readonly #incoming: IncomingMessage;
  #state: "unasked" | "pumping" | "idle" | "complete" | "cut" = "unasked";
  #chunks: AsyncIterator<Uint8Array> | undefined;

  constructor(request: PluginRequest, incoming: IncomingMessage) {
    this.#request = request;
    this.#incoming = incoming;
  }

  /** Whether somebody is taking the body and has not got all of it. */
  get isUnderWay(): boolean {
    const incoming = this.#incoming;
    return (
      this.#request.contentLength !== 0 &&
      this.#state !== "complete" &&
      this.#state !== "cut" &&
      !incoming.destroyed &&
      (incoming.readableFlowing === true || incoming.listenerCount("readable") > 0)
    );
  }

  /** Node's request has room. */
  resume(): void {
    if (this.#state === "unasked" && this.#request.contentLength === 0) {
      this.#complete([]);
    } else if (this.#state === "unasked" || this.#state === "idle") {
      this.#state = "pumping";
      void this.#pump();
    }
  }

  /** The response has ended: nothing more comes. A body that nobody has looked at ends quietly, as in Node. */
  leave(): void {
    if (this.#state === "unasked") {
      this.#complete([]);
      this.#incoming.resume();
    } else if (this.#state === "pumping" || this.#state === "idle") {
      this.#cut();
    }
  }

  async #pump(): Promise<void> {
    try {
      this.#chunks ??= this.#request.body[Symbol.asyncIterator]();
      while (this.#state === "pumping") {
        // oxlint-disable-next-line no-await-in-loop -- the pace of the reader
        const result = await this.#chunks.next();
        if (result.done === true) {
          // oxlint-disable-next-line no-await-in-loop -- once, and settled already
          this.#complete((await this.#request.trailers).toFieldList());
        } else if (!this.#incoming.push(result.value) && this.#state === "pumping") {
          this.#state = "idle";
        }
      }
    } catch {
      // Why the body was cut off is in the request's signal; Node's request knows one reason only.
      this.#cut();
    }
  }

  #complete(trailers: readonly string[]): void {
    if (this.#state !== "cut") {
      this.#state = "complete";
      completeIncoming(this.#incoming, trailers);
    }
  }

  #cut(): void {
    if (this.#state !== "complete") {
      this.#state = "cut";
      this.#incoming.destroy(connectionReset());
    }
  }
}
