import {
  bodyChunkBytesMax,
  type ExchangeChannel,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { type Client, ClientSocket } from "./client-socket.js";
import { joinBytesMax } from "../limits.js";
import { settledBy } from "./write-promise.js";

/**
 * A client's connection that the plugin took over: raw bytes both ways, with back-pressure both
 * ways. Each way ends on its own.
 *
 * As with a `net.Socket`, what was written before `destroy()` still goes out, and `destroy(error)`
 * breaks the connection at once. When the exchange is given up the socket is destroyed. It emits
 * `error` only where something listens, so that a client who leaves can't end the process.
 */
export class TunnelSocket extends ClientSocket {
  readonly #channel: ExchangeChannel<ResponseParts>;
  #roomForMore: (() => void) | undefined;
  #hasReceivedEnd = false;
  #hasSentEnd = false;

  constructor(channel: ExchangeChannel<ResponseParts>, client: Client) {
    super(client);
    this.#channel = channel;
    // A handler that writes after its own end, say, must not end the process.
    this.on("error", ignore);
  }

  /** From the carrier. */
  receive(parts: RequestParts): void | Promise<void> {
    if (this.destroyed) {
      return undefined;
    }
    this.touch();
    let wait: Promise<void> | undefined;
    if (parts.tunnelChunk !== undefined) {
      this.bytesRead += parts.tunnelChunk.length;
      if (!this.push(parts.tunnelChunk)) {
        wait = new Promise((resolve) => {
          this.#roomForMore = resolve;
        });
      }
    }
    if (parts.tunnelEnd === true) {
      this.#hasReceivedEnd = true;
      this.push(null);
      // As a `net.Socket` does: `end` comes also where the handler never reads, once nothing is
      // left to read.
      this.read(0);
    }
    return wait;
  }

  /**
   * The handler has returned. A connection to which nothing listens ends behind what was written.
   */
  handlerReturned(): void {
    if (this.listenerCount("data") === 0 && this.listenerCount("readable") === 0) {
      this.destroySoon();
    }
  }

  /** The exchange was given up. */
  abort(error: ServeHTTPError): void {
    this.#hasReceivedEnd = true;
    this.#hasSentEnd = true;
    this.destroy(this.listenerCount("error") > 1 ? error : undefined);
  }

  override _read(): void {
    this.#makeRoom();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, settle: Settle): void {
    this.#afterwards(this.#sendBytes(chunk), chunk.length, settle);
  }

  override _writev(waiting: { chunk: Buffer }[], settle: Settle): void {
    let bytes = 0;
    for (const { chunk } of waiting) {
      bytes += chunk.length;
    }
    const chunks = waiting.map(({ chunk }) => chunk);
    if (bytes <= joinBytesMax) {
      this.#afterwards(this.#sendBytes(Buffer.concat(chunks, bytes)), bytes, settle);
      return;
    }
    let room: void | Promise<void> = undefined;
    for (const chunk of chunks) {
      void settledBy(room);
      room = this.#sendBytes(chunk);
    }
    this.#afterwards(room, bytes, settle);
  }

  override _final(settle: Settle): void {
    this.#hasSentEnd = true;
    this.#afterwards(this.#channel.send({ tunnelEnd: true }), 0, settle);
  }

  override _destroy(error: Error | null, settle: Settle): void {
    this.stopIdleTimer();
    this.#makeRoom();
    const isOver = this.#hasSentEnd && this.#hasReceivedEnd;
    if (!isOver && error !== null) {
      this.#channel.reset(new ServeHTTPError("handler-failed", "the plugin broke the tunnel"));
    } else if (!isOver) {
      this.#leave();
    }
    settle(error);
  }

  #makeRoom(): void {
    this.#roomForMore?.();
    this.#roomForMore = undefined;
  }

  #leave(): void {
    if (!this.#hasSentEnd) {
      this.#hasSentEnd = true;
      void settledBy(this.#channel.send({ tunnelEnd: true }));
    }
    this.#channel.reset(new ServeHTTPError("request-not-needed", "the plugin closed the tunnel"));
  }

  #sendBytes(bytes: Buffer): void | Promise<void> {
    this.touch();
    let room: void | Promise<void> = undefined;
    for (let at = 0; at < bytes.length; at += bodyChunkBytesMax) {
      void settledBy(room);
      room = this.#channel.send({ tunnelChunk: bytes.subarray(at, at + bodyChunkBytesMax) });
    }
    return room;
  }

  #afterwards(room: void | Promise<void>, bytes: number, settle: Settle): void {
    if (room === undefined) {
      this.bytesSent += bytes;
      settle();
      return;
    }
    room.then(
      () => {
        this.bytesSent += bytes;
        settle();
      },
      (error: unknown) => {
        this.abort(ServeHTTPError.from(error));
        settle();
      },
    );
  }
}

type Settle = (error?: Error | null) => void;

function ignore(): void {
  // A handler that wants to know has a listener of its own.
}
