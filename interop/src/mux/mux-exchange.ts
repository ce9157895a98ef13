import { MessageQueue } from "./message-queue.js";

/** Credit that each direction of an exchange starts with, in bytes. */
const windowBytes = 262_144;

/** A frame of either direction, as it is written. */
export interface Frame<Parts> {
  exchangeId: bigint;
  parts?: Parts;
  creditBytes?: number;
  reset?: { code: number; message: string };
}

/** What a frame of either direction says, as it is read. */
interface ReceivedFrame<Parts> {
  parts?: Parts | undefined;
  creditBytes: number;
  reset?: { message: string } | undefined;
}

/**
 * One end of one exchange on the mux carrier (proto/servehttp/v1/mux.proto): its id in front of everything, and a window
 * for the bytes of each direction. Host and plugin differ in nothing here but the parts.
 */
export class MuxExchange<In extends { chunk: Uint8Array }, Out extends { chunk?: Uint8Array }> {
  readonly #id: bigint;
  readonly #outbox: MessageQueue<Frame<Out>>;
  readonly #received = new MessageQueue<In>();
  #creditBytes = windowBytes;
  #aborted: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(id: bigint, outbox: MessageQueue<Frame<Out>>) {
    this.#id = id;
    this.#outbox = outbox;
  }

  accept({ parts, creditBytes, reset }: ReceivedFrame<In>): void {
    if (parts) {
      this.#received.push(parts);
    }
    if (creditBytes > 0) {
      this.#creditBytes += creditBytes;
      this.#wake?.();
    }
    if (reset) {
      this.abort(new Error(`reset by the other side: ${reset.message}`));
    }
  }

  /** The parts that came. Gives credit as a chunk is taken, not as it arrives: that is the back-pressure. */
  async *received(): AsyncGenerator<In, undefined> {
    for await (const parts of this.#received) {
      if (parts.chunk.length > 0) {
        this.#outbox.push({ exchangeId: this.#id, creditBytes: parts.chunk.length });
      }
      yield parts;
    }
  }

  /** Waits for credit where there is none. */
  async send(parts: Out): Promise<void> {
    const bytes = parts.chunk?.length ?? 0;
    while (this.#creditBytes < bytes && !this.#aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#aborted) {
      throw this.#aborted;
    }
    this.#creditBytes -= bytes;
    this.#outbox.push({ exchangeId: this.#id, parts });
  }

  /** Gives the exchange up, and says so. */
  reset(code: number, reason: Error): void {
    if (!this.#aborted) {
      this.#outbox.push({ exchangeId: this.#id, reset: { code, message: reason.message } });
      this.abort(reason);
    }
  }

  abort(reason: Error): void {
    this.#aborted ??= reason;
    this.#received.close(reason);
    this.#wake?.();
  }
}
