import {
  type AcceptExchange,
  advanceExchange,
  advanceRequest,
  type ExchangeChannel,
  type ExchangeState,
  hasEnded,
  initialRequestOrder,
  isRequestOver,
  isTunnel,
  type PartReceiver,
  type RequestOrder,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { readRequestMessage } from "../wire/read-parts.js";
import { WireReader } from "../wire/wire-reader.js";
import type { WireWriter } from "../wire/wire-writer.js";
import { writeResponseParts } from "../wire/write-parts.js";
import { MessageQueue } from "./message-queue.js";
import { bareMessage } from "./bare-message.js";
import type { RpcMessages } from "./rpc-messages.js";

/**
 * The plugin's end of an exchange whose messages another RPC stack carries: one `ServeHTTP` RPC.
 */
export class MessageExchange implements ExchangeChannel<ResponseParts> {
  /** The messages of the response. */
  readonly responses = new MessageQueue(() => this.#abort(this.#rpc.reason()));
  readonly #rpc: RpcMessages;
  readonly #requests: AsyncIterator<Uint8Array>;
  readonly #writer: WireWriter;
  readonly #receiver: PartReceiver<RequestParts>;
  readonly #onOver: () => void;
  #order: RequestOrder = initialRequestOrder;
  #progress: ExchangeState = "open";
  /** open -> over [#finish], when both ways are done with or either side gave up */
  #state: "open" | "over" = "open";

  /** @param onOver called when the exchange is over */
  constructor(rpc: RpcMessages, writer: WireWriter, accept: AcceptExchange, onOver: () => void) {
    this.#rpc = rpc;
    this.#requests = rpc.requests[Symbol.asyncIterator]();
    this.#writer = writer;
    this.#onOver = onOver;
    this.#receiver = accept(this);
    rpc.signal.addEventListener("abort", this.#onAbort);
    void this.#receiveAll();
  }

  send(parts: ResponseParts): void | Promise<void> {
    if (this.#state === "over" || this.#responseSent) {
      return undefined;
    }
    this.#progress = advanceExchange("plugin", this.#progress, parts);
    this.#writer.beginMessage();
    writeResponseParts(this.#writer, parts);
    const room = this.responses.push(bareMessage(this.#writer.endMessage()));
    if (this.#progress === "over") {
      this.responses.end();
      this.#finish();
    }
    return room;
  }

  reset(error: ServeHTTPError): void {
    if (this.#state === "over") {
      return;
    }
    if (error.code === "request-not-needed" && this.#responseSent) {
      this.responses.end();
    } else {
      this.responses.fail(error);
    }
    this.#finish();
  }

  /** Gives up the exchange, at both ends. */
  giveUp(error: ServeHTTPError): void {
    if (this.#state === "open") {
      this.reset(error);
      this.#receiver.abort(error);
    }
  }

  /** Whether the last part of the response is on its way. */
  get #responseSent(): boolean {
    return hasEnded("plugin", this.#progress);
  }

  readonly #onAbort = (): void => this.#abort(this.#rpc.reason());

  async #receiveAll(): Promise<void> {
    try {
      while (this.#state === "open") {
        // oxlint-disable-next-line no-await-in-loop -- at the pace of the handler
        const result = await this.#requests.next();
        if (result.done === true) {
          break;
        }
        // oxlint-disable-next-line no-await-in-loop -- as above
        await this.#receive(result.value);
      }
      if (!isRequestOver(this.#order, isTunnel(this.#progress))) {
        this.giveUp(
          new ServeHTTPError("client-disconnected", "the request stopped before its end"),
        );
      }
    } catch (error) {
      this.giveUp(this.#rpc.toError(error));
    }
  }

  #receive(message: Uint8Array): void | Promise<void> {
    if (this.#state === "over") {
      return undefined;
    }
    const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
    const { parts, reset } = readRequestMessage(new WireReader(bytes));
    if (reset !== undefined) {
      this.#abort(reset);
      return undefined;
    }
    this.#order = advanceRequest(this.#order, parts, isTunnel(this.#progress));
    this.#progress = advanceExchange("host", this.#progress, parts);
    const taken = this.#receiver.receive(parts);
    if (this.#progress === "over") {
      this.responses.end();
      this.#finish();
    }
    return taken;
  }

  /** The host gave up the exchange. */
  #abort(error: ServeHTTPError): void {
    if (this.#state === "open") {
      this.responses.fail(error);
      this.#finish();
      this.#receiver.abort(error);
    }
  }

  #finish(): void {
    this.#state = "over";
    this.#rpc.signal.removeEventListener("abort", this.#onAbort);
    // The host may still send; nothing of it is read.
    void this.#requests.return?.()?.catch(() => undefined);
    this.#onOver();
  }
}
