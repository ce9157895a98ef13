import type { Server } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";

/** The client, as a socket of a server's shows it. */
export interface Client {
  readonly address: string | undefined;
  readonly port: number | undefined;
  readonly family: "IPv4" | "IPv6" | undefined;
  /** Whether the client speaks TLS to the host. */
  readonly encrypted: boolean;
}

/** Splits a `remoteAddress` (`"ip:port"`, IPv6 in brackets, or empty). */
export function clientOf(remoteAddress: string, scheme: "http" | "https"): Client {
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

/**
 * A stream with the methods and properties of `net.Socket`, and of `tls.TLSSocket` for a client
 * that speaks TLS, that servers and middleware use. The real connection to the client is the
 * host's: what only that one knows (its own address, the client's certificate) is undefined or
 * empty here.
 */
export class ClientSocket extends Duplex {
  /** The client's address; undefined where it has none (a unix socket). */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: "IPv4" | "IPv6" | undefined;
  /** True where the client speaks TLS to the host; undefined otherwise, as on a `net.Socket`. */
  readonly encrypted: true | undefined;
  /** The server to which the request came, as `node:http` sets it. */
  server: Server | undefined;
  /** The milliseconds of `setTimeout`. */
  timeout: number | undefined;
  /** Bytes of body that were read. The framing, which the host does, is not counted. */
  bytesRead = 0;
  /** Bytes of body that have gone out. */
  protected bytesSent = 0;
  readonly connecting = false;
  readonly pending = false;
  readonly localAddress: undefined;
  readonly localPort: undefined;
  readonly localFamily: undefined;
  #idle: NodeJS.Timeout | undefined;

  /** @param highWaterMark of both ways, in bytes; default: that of streams */
  constructor(client: Client, highWaterMark?: number) {
    super({ allowHalfOpen: true, ...(highWaterMark !== undefined && { highWaterMark }) });
    this.remoteAddress = client.address;
    this.remotePort = client.port;
    this.remoteFamily = client.family;
    this.encrypted = client.encrypted ? true : undefined;
  }

  /** Bytes of body that were written. As on a `net.Socket`, those that wait to go out count, too. */
  get bytesWritten(): number {
    return this.bytesSent + this.writableLength;
  }

  /** As on a `net.Socket`: which ways are open. */
  get readyState(): "open" | "readOnly" | "writeOnly" | "closed" {
    if (this.writable) {
      return this.readable ? "open" : "writeOnly";
    }
    return this.readable ? "readOnly" : "closed";
  }

  /**
   * With TLS, false as on a `TLSSocket` that asked for no certificate; the host has verified the
   * client, if anybody has.
   */
  get authorized(): false | undefined {
    return this.encrypted && false;
  }

  /** With TLS, a method that finds no certificate. */
  get getPeerCertificate(): (() => object) | undefined {
    return this.encrypted && nothingKnown;
  }

  /** With TLS, a method that knows nothing of the cipher. */
  get getCipher(): (() => object) | undefined {
    return this.encrypted && nothingKnown;
  }

  /** With TLS, a method that does not know the version. */
  get getProtocol(): (() => null) | undefined {
    return this.encrypted && unknownProtocol;
  }

  /**
   * This socket where Node's types ask for a `net.Socket`: it has what Node's HTTP classes use of
   * one.
   */
  asNodeSocket(): Socket {
    return this as unknown as Socket;
  }

  /** The address of the server, as `net.Socket` gives it for one that has none. */
  address(): object {
    return {};
  }

  /** Emits `timeout` after so many milliseconds without traffic; 0 for never, the default. */
  setTimeout(ms: number, callback?: () => void): this {
    if (callback !== undefined && ms > 0) {
      this.once("timeout", callback);
    } else if (callback !== undefined) {
      this.off("timeout", callback);
    }
    this.stopIdleTimer();
    this.timeout = ms;
    if (ms > 0 && !this.destroyed) {
      this.#idle = setTimeout(() => this.onIdle(), ms);
      this.#idle.unref();
    }
    return this;
  }

  /** Has no effect: the host has set it on the client's connection. */
  setNoDelay(): this {
    return this;
  }

  /** Has no effect: the host keeps the client's connection alive. */
  setKeepAlive(): this {
    return this;
  }

  /** Has no effect: what keeps the process running is the connection to the host. */
  ref(): this {
    return this;
  }

  /** Has no effect, as `ref`. */
  unref(): this {
    return this;
  }

  /** Ends the stream, and destroys it when everything was sent. */
  destroySoon(): void {
    if (this.writableFinished) {
      this.destroy();
      return;
    }
    this.once("finish", () => this.destroy());
    this.end();
  }

  /** Breaks the client's connection: the host resets it. */
  resetAndDestroy(): this {
    return this.destroy(new Error("the handler reset the connection"));
  }

  /** Called when the time given to `setTimeout` has passed without traffic. */
  protected onIdle(): void {
    this.emit("timeout");
  }

  /** Called at each traffic: the time of `setTimeout` begins anew. */
  protected touch(): void {
    this.#idle?.refresh();
  }

  protected stopIdleTimer(): void {
    clearTimeout(this.#idle);
    this.#idle = undefined;
  }
}

function nothingKnown(): object {
  return {};
}

function unknownProtocol(): null {
  return null;
}
