import { createHash } from "node:crypto";
import type { Deadline } from "./deadline.js";
import type { Pairs, RequestParts, ResponseParts } from "./messages.js";
import { requestText, responseText } from "./parts-text.js";
import { Trace } from "./trace.js";

/** How much of a body is kept for looking at; of the rest there is the hash. */
const keptBytesMax = 65_536;

/** How a host gives an exchange up. */
export type ResetReason = "client-disconnected" | "deadline";

/** A head of a response. */
export interface ReceivedHead {
  readonly status: number;
  readonly headers: Pairs;
}

/** One exchange at the kit, which is the host: what it sends, and all that has come back. */
export abstract class Exchange {
  readonly informational: ReceivedHead[] = [];
  head: ReceivedHead | undefined;
  isHijacked = false;
  /** Bytes of the body so far. */
  bodyBytes = 0;
  /** The first of them. */
  body = Buffer.alloc(0);
  /** The sizes of the chunks, bodies and tunnels alike, at most so many as matter. */
  longestChunkBytes = 0;
  flushes = 0;
  /** What came by a tunnel. */
  tunnel = Buffer.alloc(0);
  hasTunnelEnded = false;
  /** The trailers, once the response is complete. */
  end: Pairs | undefined;
  /** Why it stopped without that. */
  failure: string | undefined;
  readonly #trace = new Trace();
  readonly #hash = createHash("sha256");
  readonly #deadline: Deadline;

  constructor(deadline: Deadline) {
    this.#deadline = deadline;
  }

  /** Sends parts. Resolves when there is room for them, or when the exchange is over. */
  abstract send(parts: RequestParts): Promise<void>;

  /** Gives the exchange up, as a host does whose client has left. */
  abstract reset(reason: ResetReason): void;

  /** Takes nothing more of the response, until `resume`. */
  abstract pause(): void;

  abstract resume(): void;

  /** What was sent, and what came, each in one line. */
  get trace(): readonly string[] {
    return this.#trace.lines;
  }

  get isOver(): boolean {
    return this.end !== undefined || this.failure !== undefined || this.hasTunnelEnded;
  }

  /** The SHA-256 of the body so far, in hex. */
  get sha256(): string {
    return this.#hash.copy().digest("hex");
  }

  /** Waits until a condition holds that what comes can make true. */
  until(what: string, condition: () => boolean): Promise<void> {
    return this.#deadline.until(what, condition);
  }

  /** Waits for the head. Throws where the exchange ends without one. */
  async untilHead(): Promise<ReceivedHead> {
    await this.until("the head of the response", () => this.head !== undefined || this.isOver);
    if (this.head === undefined) {
      throw new Error(`no head came: ${this.failure ?? "the response ended without one"}`);
    }
    return this.head;
  }

  /** Waits for so many bytes of the body. */
  async untilBody(bytes: number): Promise<void> {
    await this.until(`${bytes} bytes of the body (${this.bodyBytes} came)`, () => {
      return this.bodyBytes >= bytes || this.isOver;
    });
    if (this.bodyBytes < bytes) {
      throw new Error(`only ${this.bodyBytes} of ${bytes} bytes came: ${this.outcome()}`);
    }
  }

  /** Waits for the end of the response. Throws where it is not complete. */
  async complete(): Promise<ReceivedHead> {
    await this.until("the end of the response", () => this.isOver);
    if (this.end === undefined || this.head === undefined) {
      throw new Error(`the response is not complete: ${this.outcome()}`);
    }
    return this.head;
  }

  /** Waits until it is over, however. */
  async over(): Promise<void> {
    await this.until("the end of the exchange", () => this.isOver);
  }

  /** In words, what it came to so far. */
  outcome(): string {
    const head = this.head === undefined ? "no head" : `status ${this.head.status}`;
    const end =
      this.end === undefined
        ? (this.failure ?? "nothing says that it is over")
        : "a whole response";
    return `${head}, ${this.bodyBytes} bytes, ${end}`;
  }

  protected note(line: string): void {
    this.#trace.note(line);
  }

  protected noteSent(parts: RequestParts): void {
    this.note(`sent ${requestText(parts)}`);
  }

  /** Takes parts of the response, in the order of their fields. Returns the bytes that need credit. */
  protected receive(parts: ResponseParts): number {
    this.note(`came ${responseText(parts)}`);
    for (const one of parts.informational) {
      this.informational.push({ status: one.status, headers: pairsOf(one.headers) });
    }
    if (parts.init !== undefined) {
      this.head = { status: parts.init.status, headers: pairsOf(parts.init.headers) };
    }
    this.isHijacked ||= parts.hijack !== undefined;
    this.#receiveChunk(parts.chunk);
    this.flushes += parts.flush ? 1 : 0;
    if (parts.end !== undefined) {
      this.end = pairsOf(parts.end.trailers);
    }
    if (parts.tunnelChunk.length > 0) {
      this.tunnel = Buffer.concat([this.tunnel, parts.tunnelChunk]);
    }
    this.longestChunkBytes = Math.max(this.longestChunkBytes, parts.tunnelChunk.length);
    this.hasTunnelEnded ||= parts.tunnelEnd;
    this.#deadline.changed();
    return parts.chunk.length + parts.tunnelChunk.length;
  }

  /** It is over. */
  protected fail(text: string): void {
    if (!this.isOver) {
      this.failure = text;
      this.note(`came ${text}`);
    }
    this.#deadline.changed();
  }

  #receiveChunk(chunk: Uint8Array): void {
    if (chunk.length === 0) {
      return;
    }
    this.#hash.update(chunk);
    this.bodyBytes += chunk.length;
    this.longestChunkBytes = Math.max(this.longestChunkBytes, chunk.length);
    if (this.body.length < keptBytesMax) {
      this.body = Buffer.concat([this.body, chunk]).subarray(0, keptBytesMax);
    }
  }
}

/** Fields of the contract as pairs. */
export function pairsOf(
  fields: readonly { readonly name: string; readonly values: readonly Uint8Array[] }[],
): Pairs {
  return fields.flatMap(({ name, values }) =>
    values.map((value) => [name, Buffer.from(value).toString("latin1")] as const),
  );
}
