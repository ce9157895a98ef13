import {
  advanceResponse,
  type ExchangeChannel,
  initialResponseOrder,
  isResponseOver,
  type PartReceiver,
  type RequestParts,
  type ResponseOrder,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { answeredMs } from "../limits.js";
import { brokenOrder, errorOfStatus } from "../wire/grpc-status.js";
import { readResponseParts } from "../wire/read-parts.js";
import { writeReset } from "../wire/reset-codec.js";
import { WireReader } from "../wire/wire-reader.js";
import type { WireWriter } from "../wire/wire-writer.js";
import { writeRequestParts } from "../wire/write-parts.js";
import { bareMessage } from "./bare-message.js";
import { MessageQueue } from "./message-queue.js";

/** How another RPC stack calls `ServeHTTP`. */
export interface ServeHTTPCall {
  /** Calls it. The call ends by its messages, or with CANCEL when the signal aborts. */
  start(requests: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** What it means to an exchange that the stack has thrown. */
  toError(thrown: unknown): ServeHTTPError;
}

/** The host's end of an exchange whose messages another RPC stack carries: one `ServeHTTP` RPC. */
export class HostMessageExchange implements ExchangeChannel<RequestParts> {
  readonly #call: ServeHTTPCall;
  readonly #writer: WireWriter;
  readonly #receiver: PartReceiver<ResponseParts>;
  readonly #onOver: () => void;
  readonly #requests = new MessageQueue(() => undefined);
  readonly #abort = new AbortController();
  #order: ResponseOrder = initialResponseOrder;
  #hijackable = false;
  /** arriving -> ended [its end; a tunnel may follow] -> sent [nothing may follow] */
  #request: "arriving" | "ended" | "sent" = "arriving";
  /** open -> over [#finish], when the response is complete or either side gave up */
  #state: "open" | "over" = "open";

  /** @param onOver called when the exchange is over */
  constructor(
    call: ServeHTTPCall,
    writer: WireWriter,
    receiver: PartReceiver<ResponseParts>,
    onOver: () => void,
  ) {
    this.#call = call;
    this.#writer = writer;
    this.#receiver = receiver;
    this.#onOver = onOver;
    void this.#receiveAll();
  }

  send(parts: RequestParts): void | Promise<void> {
    if (this.#state === "over" || this.#request === "sent") {
      return undefined;
    }
    this.#hijackable ||= parts.init?.hijackable === true;
    this.#writer.beginMessage();
    writeRequestParts(this.#writer, parts);
    const room = this.#requests.push(bareMessage(this.#writer.endMessage()));
    if (parts.end !== undefined) {
      this.#request = "ended";
    }
    if (parts.tunnelEnd === true || (parts.end !== undefined && !this.#hijackable)) {
      this.#request = "sent";
      this.#requests.end();
      if (isResponseOver(this.#order)) {
        // The other way of the tunnel has ended before.
        this.#finish();
      }
    }
    return room;
  }

  reset(error: ServeHTTPError): void {
    if (this.#state === "over") {
      return;
    }
    if (this.#request !== "sent") {
      this.#writer.beginMessage();
      writeReset(this.#writer, resetTag, error);
      void this.#requests.push(bareMessage(this.#writer.endMessage()));
      this.#requests.end();
    }
    this.#finish();
    this.#cancelSoon();
  }

  /** The connection is closed, or can carry no more. */
  fail(error: ServeHTTPError): void {
    if (this.#state === "open") {
      this.#finish();
      this.#requests.fail(error);
      this.#abort.abort();
      this.#receiver.abort(error);
    }
  }

  async #receiveAll(): Promise<void> {
    try {
      for await (const message of this.#call.start(this.#requests, this.#abort.signal)) {
        if (this.#state === "open") {
          await this.#receive(message);
        }
      }
      // Nothing more comes. What is missing of the request must not look as if it were all.
      this.fail(errorOfStatus("0", undefined));
    } catch (error) {
      this.fail(this.#call.toError(error));
    }
    this.#abort.abort();
  }

  #receive(message: Uint8Array): void | Promise<void> {
    const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
    const parts = readResponseParts(new WireReader(bytes));
    try {
      this.#order = advanceResponse(this.#order, parts);
    } catch (error) {
      throw brokenOrder(ServeHTTPError.from(error));
    }
    if (parts.end !== undefined || (isResponseOver(this.#order) && this.#request === "sent")) {
      this.#complete();
    }
    return this.#receiver.receive(parts);
  }

  /** The response is complete: the plugin needs no more of the request. */
  #complete(): void {
    if (this.#request !== "arriving") {
      // All of it was sent, so its end is no lie; no tunnel follows.
      this.#requests.end();
    }
    this.#finish();
    this.#cancelSoon();
  }

  /** The plugin is given some time to end the RPC by itself. */
  #cancelSoon(): void {
    const timer = setTimeout(() => this.#abort.abort(), answeredMs);
    timer.unref();
    this.#abort.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }

  #finish(): void {
    this.#state = "over";
    this.#onOver();
  }
}

/** `ServeHTTPRequest.reset`. */
const resetTag = 0x32;
