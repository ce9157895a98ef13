import { Duplex } from "node:stream";
import {
  bodyChunkBytesMax,
  type ExchangeChannel,
  type RequestParts,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { tunnelJoinBytesMax } from "./limits.js";
import { settledBy } from "./write-promise.js";

/**
 * A caller's connection that the plugin took over: raw octets both ways, with back-pressure both ways, each way ends
 * on its own.
 *
 * It has the methods of `net.Socket` that servers of WebSockets and the like call. As with a `net.Socket`, what was written
 * before `destroy()` still goes; `destroy(error)` breaks the connection at once. When the exchange is given up the socket is
 * destroyed; it emits `error` only where somebody listens, so that a caller who leaves can't end the process.
 */
export class TunnelSocket extends Duplex {
  /** The caller's address; undefined where it has none (a unix socket). */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: "IPv4" | "IPv6" | undefined;
  /** Whether the caller speaks TLS to the host. */
  readonly encrypted: boolean;

  readonly #channel: ExchangeChannel<ResponseParts>;
  #roomForMore: (() => void) | undefined;
  #hasReceivedEnd = false;
  #hasSentEnd = false;
  #idle: NodeJS.Timeout | undefined;
  #idleMs = 0;

  constructor(channel: ExchangeChannel<ResponseParts>, caller: Caller) {
    super({ allowHalfOpen: true });
    this.#channel = channel;
    this.remoteAddress = caller.address;
    this.remotePort = caller.port;
    this.remoteFamily = caller.family;
    this.encrypted = caller.encrypted;
  }

  /** From the carrier. */
  receive(parts: RequestParts): void | Promise<void> {
    if (this.destroyed) {
      return undefined;
    }
    this.#touch();
    let wait: Promise<void> | undefined;
    if (parts.tunnelChunk !== undefined && !this.push(parts.tunnelChunk)) {
      wait = new Promise((resolve) => {
        this.#roomForMore = resolve;
      });
    }
    if (parts.tunnelEnd === true) {
      this.#hasReceivedEnd = true;
      this.push(null);
    }
    return wait;
  }

  /** The exchange was given up. */
  abort(error: ServeHTTPError): void {
    this.#hasReceivedEnd = true;
    this.#hasSentEnd = true;
    this.destroy(this.listenerCount("error") > 0 ? error : undefined);
  }

  /** Calls `timeout` listeners after so many milliseconds without traffic; 0 for never, the default. */
  setTimeout(ms: number, callback?: () => void): this {
    this.#idleMs = ms;
    if (callback !== undefined) {
      if (ms === 0) {
        this.off("timeout", callback);
      } else {
        this.once("timeout", callback);
      }
    }
    clearTimeout(this.#idle);
    this.#idle = undefined;
    if (ms > 0 && !this.destroyed) {
      this.#idle = setTimeout(() => this.emit("timeout"), ms);
      this.#idle.unref();
    }
    return this;
  }

  /** The host has set it on the caller's connection. */
  setNoDelay(): this {
    return this;
  }

  /** The caller's connection is the host's to keep alive. */
  setKeepAlive(): this {
    return this;
  }

  /** The connection that carries this one keeps the process running, not this. */
  ref(): this {
    return this;
  }

  /** As `ref`. */
  unref(): this {
    return this;
  }

  /** Ends this way and destroys the connection when all was sent. */
  destroySoon(): void {
    if (this.writableFinished) {
      this.destroy();
      return;
    }
    this.once("finish", () => this.destroy());
    this.end();
  }

  override _read(): void {
    this.#makeRoom();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, settle: Settle): void {
    this.#afterwards(this.#sendOctets(chunk), settle);
  }

  override _writev(waiting: { chunk: Buffer }[], settle: Settle): void {
    let bytes = 0;
    for (const { chunk } of waiting) {
      bytes += chunk.length;
    }
    const chunks = waiting.map(({ chunk }) => chunk);
    if (bytes <= tunnelJoinBytesMax) {
      this.#afterwards(this.#sendOctets(Buffer.concat(chunks, bytes)), settle);
      return;
    }
    let room: void | Promise<void> = undefined;
    for (const chunk of chunks) {
      void settledBy(room);
      room = this.#sendOctets(chunk);
    }
    this.#afterwards(room, settle);
  }

  override _final(settle: Settle): void {
    this.#hasSentEnd = true;
    this.#afterwards(this.#channel.send({ tunnelEnd: true }), settle);
  }

  override _destroy(error: Error | null, settle: Settle): void {
    clearTimeout(this.#idle);
    this.#makeRoom();
    if (error !== null && !(this.#hasSentEnd && this.#hasReceivedEnd)) {
      this.#channel.reset(new ServeHTTPError("handler-failed", "the plugin broke the tunnel"));
    } else if (!(this.#hasSentEnd && this.#hasReceivedEnd)) {
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
      this.#afterwards(this.#channel.send({ tunnelEnd: true }), () => undefined);
    }
    this.#channel.reset(new ServeHTTPError("request-not-needed", "the plugin closed the tunnel"));
  }

  #sendOctets(octets: Buffer): void | Promise<void> {
    this.#touch();
    let room: void | Promise<void> = undefined;
    for (let at = 0; at < octets.length; at += bodyChunkBytesMax) {
      void settledBy(room);
      room = this.#channel.send({ tunnelChunk: octets.subarray(at, at + bodyChunkBytesMax) });
    }
    return room;
  }

  #afterwards(room: void | Promise<void>, settle: Settle): void {
    if (room === undefined) {
      settle();
      return;
    }
    room.then(
      () => settle(),
      (error: unknown) => {
        this.abort(ServeHTTPError.from(error));
        settle();
      },
    );
  }

  #touch(): void {
    if (this.#idleMs > 0) {
      this.#idle?.refresh();
    }
  }
}

/** Who is at the other end of a tunnel. */
export interface Caller {
  readonly address: string | undefined;
  readonly port: number | undefined;
  readonly family: "IPv4" | "IPv6" | undefined;
  readonly encrypted: boolean;
}

/** The parts of a `remoteAddress` (`"ip:port"`, IPv6 in brackets, or empty). */
export function callerOf(remoteAddress: string, scheme: "http" | "https"): Caller {
  const encrypted = scheme === "https";
  const colon = remoteAddress.lastIndexOf(":");
  if (colon < 0) {
    return { address: undefined, port: undefined, family: undefined, encrypted };
  }
  const port = Number(remoteAddress.slice(colon + 1));
  if (remoteAddress.startsWith("[")) {
    return { address: remoteAddress.slice(1, colon - 1), port, family: "IPv6", encrypted };
  }
  return { address: remoteAddress.slice(0, colon), port, family: "IPv4", encrypted };
}

type Settle = (error?: Error | null) => void;
