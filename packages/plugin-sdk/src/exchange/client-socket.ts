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

/**
 * A stream with the methods and properties of `net.Socket` that servers and middleware use. The real connection to the
 * client is the host's.
 */
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

  /** This socket where Node's types ask for a `net.Socket`: it has what Node's HTTP classes use of one. */
  asNodeSocket(): Socket {
    return this as unknown as Socket;
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
