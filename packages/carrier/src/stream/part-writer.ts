import type { ServerHttp2Stream } from "node:http2";
import {
  bodyBytesOf,
  mergeResponseParts,
  type ResponseParts,
  Room,
  type ServeHTTPError,
} from "@servehttp/contract";
import { atCallbackEnd, type Flushable } from "../schedule/turn-end.js";
import type { WireWriter } from "../wire/wire-writer.js";
import { writeResponseParts } from "../wire/write-parts.js";

/**
 * How many bytes may wait for the socket before a sender is made to wait: 128 KiB. It goes on at
 * half of that.
 */
const unsentBytesMax = 131_072;

/** A message of this size is sent at once: to wait for more parts would only delay it. */
const promptBytesMin = 16_384;

/**
 * Sends the response of one exchange on the stream carrier. Parts of one turn of the event loop go out
 * as one message, where one can carry them. A sender that is faster than the stream is made to
 * wait.
 */
export class PartWriter implements Flushable {
  readonly #stream: ServerHttp2Stream;
  readonly #writer: WireWriter;
  readonly #respond: () => void;
  #pending: ResponseParts | undefined;
  /**
   *   open   -> ending [send: the last parts wait]
   *   ending -> ended  [flush]
   *   any    -> closed [close]
   */
  #state: "open" | "ending" | "ended" | "closed" = "open";
  readonly #room = new Room();
  readonly #onWritten = (error?: Error | null): void => {
    // When a write failed, the stream closes and `close` says why. Node 26 then gives no error.
    const stream = this.#stream;
    const isOpen = !stream.destroyed && !stream.closed;
    if (!error && isOpen && stream.writableLength <= unsentBytesMax / 2) {
      this.#room.open();
    }
  };

  /** `respond` is called before each message, to send the head of the RPC's response with the first. */
  constructor(stream: ServerHttp2Stream, writer: WireWriter, respond: () => void) {
    this.#stream = stream;
    this.#writer = writer;
    this.#respond = respond;
  }

  /** Whether nothing waits to be sent. */
  get idle(): boolean {
    return this.#pending === undefined && this.#stream.writableLength === 0;
  }

  /** Sends parts. `last` ends the stream after them. */
  send(parts: ResponseParts, last: boolean): void | Promise<void> {
    if (this.#state !== "open") {
      return undefined;
    }
    if (this.#pending === undefined) {
      this.#pending = parts;
      atCallbackEnd(this);
    } else if (!mergeResponseParts(this.#pending, parts)) {
      this.#write(this.#pending, false);
      this.#pending = parts;
    }
    if (last) {
      this.#state = "ending";
    }
    if (bodyBytesOf(this.#pending) >= promptBytesMin) {
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

  /** Sends nothing any more. A sender that waits for room is told why. */
  close(reason: ServeHTTPError): void {
    this.#state = "closed";
    this.#pending = undefined;
    this.#room.close(reason);
  }

  #write(parts: ResponseParts, last: boolean): void {
    const stream = this.#stream;
    this.#respond();
    const writer = this.#writer;
    writer.beginMessage();
    writeResponseParts(writer, parts);
    const bytes = writer.messageBytes;
    const segments = writer.endMessage();
    // While little is unsent no sender waits, so nobody needs to be called back.
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
      // In one call, so that the end travels with the bytes.
      stream.end(segments[final], onWritten);
    } else {
      stream.write(segments[final], onWritten);
    }
    if (final > 0) {
      stream.uncork();
    }
  }
}
