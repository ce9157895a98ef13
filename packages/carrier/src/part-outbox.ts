import type { Http2Stream } from "node:http2";
import type { ServeHTTPError } from "@servehttp/contract";
import { atTurnEnd, type Flushable } from "./turn-end.js";
import type { WireWriter } from "./wire-writer.js";

/** Octets of messages that may lie between us and the socket before a sender is made to wait. */
const unsentBytesMax = 131_072;

/** From this size on a message goes out at once: waiting for more to join it would only delay it. */
const promptBytesMin = 16_384;

/** How parts of one direction are written and merged. */
export interface PartFormat<Parts> {
  write(writer: WireWriter, parts: Parts): void;
  /** Adds parts to those that wait, where one message can carry both. */
  merge(pending: Parts, parts: Parts): boolean;
}

/**
 * The way out of one exchange on the stream carrier. Parts of one turn of the event loop that one message can
 * carry go out as one message; a sender that is faster than the stream waits.
 */
export class PartOutbox<
  Parts extends { chunk?: Uint8Array; tunnelChunk?: Uint8Array },
> implements Flushable {
  readonly #stream: Http2Stream;
  readonly #writer: WireWriter;
  readonly #format: PartFormat<Parts>;
  readonly #beforeWrite: (() => void) | undefined;
  #pending: Parts | undefined;
  #endsStream = false;
  #unsentBytes = 0;
  #room: PromiseWithResolvers<void> | undefined;
  #closed = false;

  /** `beforeWrite` is called before each message: a response's headers go out with its first one. */
  constructor(
    stream: Http2Stream,
    writer: WireWriter,
    format: PartFormat<Parts>,
    beforeWrite?: () => void,
  ) {
    this.#stream = stream;
    this.#writer = writer;
    this.#format = format;
    this.#beforeWrite = beforeWrite;
  }

  /** Whether nothing waits between the sender and the socket. */
  get idle(): boolean {
    return this.#pending === undefined && this.#unsentBytes === 0;
  }

  /** Sends parts; `last` ends the stream behind them. */
  send(parts: Parts, last: boolean): void | Promise<void> {
    if (this.#closed || this.#endsStream) {
      return undefined;
    }
    if (this.#pending === undefined) {
      this.#pending = parts;
      atTurnEnd(this);
    } else if (!this.#format.merge(this.#pending, parts)) {
      this.#write(this.#pending);
      this.#pending = parts;
    }
    this.#endsStream = last;
    const bytes = (this.#pending.chunk?.length ?? 0) + (this.#pending.tunnelChunk?.length ?? 0);
    if (bytes >= promptBytesMin) {
      this.flush();
    }
    if (this.#unsentBytes <= unsentBytesMax) {
      return undefined;
    }
    return this.#waitForRoom();
  }

  flush(): void {
    if (this.#closed || this.#pending === undefined) {
      return;
    }
    const pending = this.#pending;
    this.#pending = undefined;
    this.#write(pending);
    if (this.#endsStream) {
      this.#stream.end();
    }
  }

  /** Nothing is sent any more; what waits for room rejects with the reason. */
  close(reason: ServeHTTPError): void {
    this.#closed = true;
    this.#pending = undefined;
    this.#room?.reject(reason);
    this.#room = undefined;
  }

  #waitForRoom(): Promise<void> {
    if (this.#room === undefined) {
      this.#room = Promise.withResolvers<void>();
      // A sender may look at it only later; until then its failure is not an unhandled one.
      this.#room.promise.catch(() => undefined);
    }
    return this.#room.promise;
  }

  #write(parts: Parts): void {
    this.#beforeWrite?.();
    const writer = this.#writer;
    writer.beginMessage();
    this.#format.write(writer, parts);
    const bytes = writer.messageBytes;
    const segments = writer.endMessage();
    this.#unsentBytes += bytes;
    const stream = this.#stream;
    stream.cork();
    const last = segments.length - 1;
    for (let index = 0; index < last; index += 1) {
      stream.write(segments[index]);
    }
    stream.write(segments[last], () => this.#onWritten(bytes));
    stream.uncork();
  }

  #onWritten(bytes: number): void {
    this.#unsentBytes -= bytes;
    if (this.#room !== undefined && this.#unsentBytes <= unsentBytesMax / 2) {
      this.#room.resolve();
      this.#room = undefined;
    }
  }
}
