import { createHash } from "node:crypto";
import {
  advanceRequest,
  initialRequestOrder,
  type RequestOrder,
  type RequestParts as PresentParts,
} from "@servehttp/contract";
import { pairsOf } from "../wire/exchange.js";
import type { CarrierName } from "../wire/host.js";
import type { Pairs, RequestPartsRead, ResponsePartsToWrite } from "../wire/messages.js";
import { requestText, responseText } from "../wire/parts-text.js";

/** The head of a request, as the host sent it. */
export type ReadInit = NonNullable<RequestPartsRead["init"]>;

/** Whom an exchange tells of what happens to it. */
export interface ExchangeWatch {
  /** What was sent or came, in a line. */
  note(line: string): void;
  /** Whoever waits looks again. */
  changed(): void;
  /** The host broke the contract. */
  violation(text: string): void;
}

/** How much of a body is kept for looking at; of the rest there is the hash. */
const keptBytesMax = 65_536;

/** One exchange at the plugin that the kit serves: all that has come, and what it answers. */
export abstract class ServedExchange {
  abstract readonly carrier: CarrierName;
  readonly init: ReadInit;
  /** Whether the first message had the end in it as well. */
  readonly isWholeAtOnce: boolean;
  /** Bytes of the body so far. */
  bodyBytes = 0;
  /** The first of them. */
  body = Buffer.alloc(0);
  /** What came by a tunnel, behind what came with the head. */
  tunnel = Buffer.alloc(0);
  hasTunnelEnded = false;
  /** The trailers, once the request is complete. */
  end: Pairs | undefined;
  /** How the host gave the exchange up, or how it lost it. */
  givenUp: string | undefined;
  readonly #watch: ExchangeWatch;
  readonly #hash = createHash("sha256");
  #order: RequestOrder = initialRequestOrder;
  #isHijacked = false;

  constructor(first: RequestPartsRead, init: ReadInit, watch: ExchangeWatch) {
    this.init = init;
    this.isWholeAtOnce = first.end !== undefined;
    this.#watch = watch;
  }

  /** Takes nothing more of the body, until `resume`. */
  abstract pause(): void;

  abstract resume(): void;

  /** Sends parts as one message. Resolves when there is room for more, or when all is over. */
  abstract send(parts: ResponsePartsToWrite): Promise<void>;

  /** Sends parts as one message, cut into pieces of a byte. */
  abstract sendSliced(parts: ResponsePartsToWrite): void;

  /** Writes bytes where a message belongs. */
  abstract write(bytes: Uint8Array): void;

  /** Gives the exchange up, as a plugin does whose handler has failed. */
  abstract fail(message: string): void;

  /** Ends the RPC that carries it, with a gRPC status or without one. */
  abstract endRpc(status: number | undefined, message?: string): void;

  /** Looks whether the host has reset it, which Node does not say while what has come is unread. */
  abstract lookForReset(): void;

  /** Resets the HTTP/2 stream that carries it. */
  abstract resetStream(code: number): void;

  /** Breaks the connection, with whatever is on it. */
  abstract cut(): void;

  /** The SHA-256 of the body so far, in hex. */
  get sha256(): string {
    return this.#hash.copy().digest("hex");
  }

  /** In words, what has come of the request. */
  outcome(): string {
    const end = this.end === undefined ? (this.givenUp ?? "no end") : "a whole request";
    return `${this.bodyBytes} bytes, ${end}`;
  }

  protected noteSent(parts: ResponsePartsToWrite): void {
    this.#isHijacked ||= parts.hijack !== undefined;
    this.#watch.note(`plugin sent ${responseText(parts)}`);
  }

  protected note(line: string): void {
    this.#watch.note(`plugin ${line}`);
  }

  /** Takes parts of the request, in the order of their fields. Returns the bytes that need credit. */
  receive(parts: RequestPartsRead): number {
    this.#watch.note(`plugin got ${requestText(parts)}`);
    this.#checkOrder(parts);
    if (parts.chunk.length > 0) {
      this.#hash.update(parts.chunk);
      this.bodyBytes += parts.chunk.length;
      if (this.body.length < keptBytesMax) {
        this.body = Buffer.concat([this.body, parts.chunk]).subarray(0, keptBytesMax);
      }
    }
    if (parts.end !== undefined) {
      this.end = pairsOf(parts.end.trailers);
    }
    if (parts.tunnelChunk.length > 0) {
      this.tunnel = Buffer.concat([this.tunnel, parts.tunnelChunk]);
    }
    this.hasTunnelEnded ||= parts.tunnelEnd;
    this.#watch.changed();
    return parts.chunk.length + parts.tunnelChunk.length;
  }

  /** The host has given it up, or lost it. */
  lose(text: string): void {
    if (this.givenUp === undefined) {
      this.givenUp = text;
      this.note(`got ${text}`);
      this.#watch.changed();
    }
  }

  #checkOrder(parts: RequestPartsRead): void {
    try {
      this.#order = advanceRequest(this.#order, presentParts(parts), this.#isHijacked);
    } catch (error) {
      this.#watch.violation(error instanceof Error ? error.message : String(error));
    }
  }
}

/** The rules of order ask only whether there is one. */
const someInit = {} as NonNullable<PresentParts["init"]>;

/** Parts as the rules of their order take them: what is empty is absent. */
function presentParts({
  init,
  chunk,
  end,
  tunnelChunk,
  tunnelEnd,
}: RequestPartsRead): PresentParts {
  return {
    ...(init !== undefined && { init: someInit }),
    ...(chunk.length > 0 && { chunk }),
    ...(end !== undefined && { end: { trailers: [] } }),
    ...(tunnelChunk.length > 0 && { tunnelChunk }),
    ...(tunnelEnd && { tunnelEnd }),
  };
}
