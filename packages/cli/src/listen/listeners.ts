import type { Socket } from "node:net";
import { addressText } from "./listen-address.js";
import { type ListenHandle, Listener, type ListenerHost } from "./listener.js";
import type { ListenerSettings } from "./listener-settings.js";

/** All addresses that a host listens on. */
export class Listeners {
  readonly #by: ListenerHost;
  #open: Listener[] = [];

  constructor(by: ListenerHost) {
    this.#by = by;
  }

  /**
   * Listens on each address, or on none.
   *
   * @param handles of sockets that listen already, by their addresses
   * @throws CommandError about the first that can't be had
   */
  async open(
    settings: readonly ListenerSettings[],
    handles: ReadonlyMap<string, ListenHandle> = new Map(),
  ): Promise<void> {
    try {
      for (const [index, one] of settings.entries()) {
        const handle = handles.get(addressText(one.address));
        this.#open.push(await Listener.open(one, this.#by, index, handle));
      }
    } catch (thrown) {
      await this.close();
      throw thrown;
    }
  }

  /** Serves connections of these addresses that it is given by `take`. */
  openHandedOver(settings: readonly ListenerSettings[]): void {
    this.#open = settings.map((one) => Listener.handedOver(one, this.#by));
  }

  /** Serves a connection that was accepted elsewhere; `listener` counts the addresses. */
  take(listener: number, socket: Socket): void {
    const taker = this.#open[listener];
    if (taker === undefined) {
      socket.destroy();
    } else {
      taker.take(socket);
    }
  }

  /** Where clients find the host, in the order of the settings. */
  get urls(): readonly string[] {
    return this.#open.map(({ url }) => url);
  }

  /** The sockets, by their addresses, for a process that takes over. */
  get handles(): ReadonlyMap<string, ListenHandle> {
    return new Map(
      this.#open.map(({ settings, handle }) => [addressText(settings.address), handle]),
    );
  }

  /** Closes each connection of HTTP/1 with its next response, and goes on listening. */
  closeBehindResponses(): void {
    for (const listener of this.#open) {
      listener.closeBehindResponses();
    }
  }

  /** Leaves new connections to that process. Resolves when no connection is open, or `ms` are over. */
  async retire(ms: number): Promise<void> {
    await Promise.all(this.#open.map((listener) => listener.retire(ms)));
  }

  /** Takes other certificates, for the same addresses in the same order. */
  renewCertificates(settings: readonly ListenerSettings[]): void {
    for (const [index, listener] of this.#open.entries()) {
      listener.renewCertificate(settings[index]?.tls);
    }
  }

  /** Takes no new connections, and closes those that nobody uses. */
  stopAccepting(): void {
    for (const listener of this.#open) {
      listener.stopAccepting();
    }
  }

  /** Ends every connection. Resolves when the addresses are free. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = [];
    await Promise.all(open.map((listener) => listener.close()));
  }
}
