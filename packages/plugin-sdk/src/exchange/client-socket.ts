import { Duplex } from "node:stream";

/** Who is at the other end of a socket that ends at the host. */
export interface Client {
  readonly address: string | undefined;
  readonly port: number | undefined;
  readonly family: "IPv4" | "IPv6" | undefined;
  /** Whether the client speaks TLS to the host. */
  readonly encrypted: boolean;
}

/** The parts of a `remoteAddress` (`"ip:port"`, IPv6 in brackets, or empty). */
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

/** The methods and properties of `net.Socket` that servers call or look at, on a socket that ends at the host. */
export abstract class ClientSocket extends Duplex {
  /** The client's address; undefined where it has none (a unix socket). */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: "IPv4" | "IPv6" | undefined;
  /** Whether the client speaks TLS to the host. */
  readonly encrypted: boolean;
  #idle: NodeJS.Timeout | undefined;

  constructor(client: Client) {
    super({ allowHalfOpen: true });
    this.remoteAddress = client.address;
    this.remotePort = client.port;
    this.remoteFamily = client.family;
    this.encrypted = client.encrypted;
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

  /** The host has set it on the client's connection. */
  setNoDelay(): this {
    return this;
  }

  /** The client's connection is the host's to keep alive. */
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
