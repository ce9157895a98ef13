import type { IncomingMessage } from "node:http";
import type { PluginRequest } from "../handler/plugin-request.js";
import { fieldsOf } from "../handler/header-list.js";
import { completeIncoming, connectionReset } from "./node-request.js";

/**
 * Brings the body of a request to Node's request, as that one asks for it.
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

  /** Whether the handler is reading the body and has not got all of it. */
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

  /** Called when Node's request has room. */
  resume(): void {
    if (this.#state === "unasked" && this.#request.contentLength === 0) {
      this.#complete([]);
    } else if (this.#state === "unasked" || this.#state === "idle") {
      this.#state = "pumping";
      void this.#pump();
    }
  }

  /** The response has ended, so nothing more comes. A body that was never looked at ends quietly, as with Node. */
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
        // oxlint-disable-next-line no-await-in-loop -- at the pace of the reader
        const result = await this.#chunks.next();
        if (result.done === true) {
          // oxlint-disable-next-line no-await-in-loop -- once, and settled already
          this.#complete(fieldsOf(await this.#request.trailers));
        } else if (!this.#incoming.push(result.value) && this.#state === "pumping") {
          this.#state = "idle";
        }
      }
    } catch {
      // The request's signal has the reason. Node's request knows one only.
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
