import type { Http2Stream } from "node:http2";
import { bodyBytesOf, type BodyParts, Room, type ServeHTTPError } from "@servehttp/contract";
import { atCallbackEnd, type Flushable } from "../schedule/turn-end.js";
import type { WireWriter } from "../wire/wire-writer.js";

/** Bytes of messages that may lie between us and the socket before a sender is made to wait; it goes on at half of it. */
const unsentBytesMax = 131_072;

/** From this size on a message goes out at once: waiting for more to join it would only delay it. */
const promptBytesMin = 16_384;

/** How parts of one direction are written and merged. */
export interface PartFormat<Parts> {
  write(writer: WireWriter, parts: Parts): void;
  /** Adds parts to those that wait, where one message can carry both. */
  merge(pending: Parts, parts: Parts): boolean;
  /** Called before each message: a response's headers go out with its first one. */
  beforeWrite(stream: Http2Stream): void;
}

/**
 * The way out of one exchange on the stream carrier. Parts of one turn of the event loop that one message can
 * carry go out as one message; a sender that is faster than the stream waits.
 */
export class PartWriter<Parts extends BodyParts> implements Flushable {
  readonly #stream: Http2Stream;
  readonly #writer: WireWriter;
  readonly #format: PartFormat<Parts>;
  #pending: Parts | undefined;
  /** open -> ending [send: the last parts wait], ending -> ended [flush], any -> closed [close] */
  #state: "open" | "ending" | "ended" | "closed" = "open";
  readonly #room = new Room();
  readonly #onWritten = (error?: Error | null): void => {
    // Where it failed the stream closes, and `close` says why.
    if (!error && this.#stream.writableLength <= unsentBytesMax / 2) {
      this.#room.open();
    }
  };

  constructor(stream: Http2Stream, writer: WireWriter, format: PartFormat<Parts>) {
    this.#stream = stream;
    this.#writer = writer;
    this.#format = format;
  }

  /** Whether nothing waits between the sender and the socket. */
  get idle(): boolean {
    return this.#pending === undefined && this.#stream.writableLength === 0;
  }

  /** Sends parts; `last` ends the stream behind them. */
  send(parts: Parts, last: boolean): void | Promise<void> {
    if (this.#state !== "open") {
      return undefined;
    }
    if (this.#pending === undefined) {
      this.#pending = parts;
      atCallbackEnd(this);
    } else if (!this.#format.merge(this.#pending, parts)) {
      this.#write(this.#pending, false);
      this.#pending = parts;
    }
    if (last) {
      this.#state = "ending";
    }
    const bytes = bodyBytesOf(this.#pending);
    if (bytes >= promptBytesMin) {
      this.flush();
    }
    return this.#stream.writableLength <= unsentBytesMax ? undefined : this.#room.wait();
  }

  flush(): void {
    const pending = this.#pending;
    if (pending === undefined) {
      return;
    }
    this.#pending = undefined;
    const last = this.#state === "ending";
    if (last) {
      this.#state = "ended";
    }
    this.#write(pending, last);
  }

  /** Nothing is sent any more; what waits for room rejects with the reason. */
  close(reason: ServeHTTPError): void {
    this.#state = "closed";
    this.#pending = undefined;
    this.#room.close(reason);
  }

  #write(parts: Parts, last: boolean): void {
    const stream = this.#stream;
    this.#format.beforeWrite(stream);
    const writer = this.#writer;
    writer.beginMessage();
    this.#format.write(writer, parts);
    const bytes = writer.messageBytes;
    const segments = writer.endMessage();
    // While little is on its way nobody waits, and nobody has to be told.
    const onWritten =
      stream.writableLength + bytes > unsentBytesMax / 2 ? this.#onWritten : undefined;
    const final = segments.length - 1;
    if (final > 0) {
      stream.cork();
      for (let index = 0; index < final; index += 1) {
        stream.write(segments[index]);
      }
    }
    if (last) {
      // In one go, so that the end travels with the bytes.
      stream.end(segments[final], onWritten);
    } else {
      stream.write(segments[final], onWritten);
    }
    if (final > 0) {
      stream.uncork();
    }
  }
}
