import { Duplex } from "node:stream";

/** Who is at the other end of a socket that ends at the host. */
export interface Caller {
  readonly address: string | undefined;
  readonly port: number | undefined;
  readonly family: "IPv4" | "IPv6" | undefined;
  /** Whether the caller speaks TLS to the host. */
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

/** The methods and properties of `net.Socket` that servers call or look at, on a socket that ends at the host. */
export abstract class CallerSocket extends Duplex {
  /** The caller's address; undefined where it has none (a unix socket). */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: "IPv4" | "IPv6" | undefined;
  /** Whether the caller speaks TLS to the host. */
  readonly encrypted: boolean;
  #idle: NodeJS.Timeout | undefined;

  constructor(caller: Caller) {
    super({ allowHalfOpen: true });
    this.remoteAddress = caller.address;
    this.remotePort = caller.port;
    this.remoteFamily = caller.family;
    this.encrypted = caller.encrypted;
  }

  /** Emits `timeout` after so many milliseconds without traffic; 0 for never, the default. */
  setTimeout(ms: number, callback?: () => void): this {
    if (callback !== undefined && ms > 0) {
      this.once("timeout", callback);
    } else if (callback !== undefined) {
      this.off("timeout", callback);
    }
    this.stopIdleTimer();
    if (ms > 0 && !this.destroyed) {
      this.#idle = setTimeout(() => this.onIdle(), ms);
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

  /** What carries this socket keeps the process running; this does not. */
  ref(): this {
    return this;
  }

  /** As `ref`. */
  unref(): this {
    return this;
  }

  /** Ends this way and destroys the socket when all was sent. */
  destroySoon(): void {
    if (this.writableFinished) {
      this.destroy();
      return;
    }
    this.once("finish", () => this.destroy());
    this.end();
  }

  /** The time that `setTimeout` gave has passed without traffic. */
  protected onIdle(): void {
    this.emit("timeout");
  }

  /** There was traffic. */
  protected touch(): void {
    this.#idle?.refresh();
  }

  protected stopIdleTimer(): void {
    clearTimeout(this.#idle);
    this.#idle = undefined;
  }
}
