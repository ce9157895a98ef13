import { Duplex } from "node:stream";
import { bodyChunkBytesMax, type RequestParts, type ResponseParts } from "@servehttp/contract";

/** What the client's end of a tunnel in memory calls. */
export interface MemoryTunnelEvents {
  /** Sends parts to the plugin. Resolves when it has taken them. */
  readonly deliver: (parts: RequestParts) => Promise<void>;
  /** The client's end was destroyed before both ways had ended. */
  readonly leave: () => void;
}

/** The client's end of a tunnel in memory. */
export class MemoryTunnel extends Duplex {
  readonly #events: MemoryTunnelEvents;
  #roomForMore: (() => void) | undefined;

  constructor(events: MemoryTunnelEvents) {
    super({ allowHalfOpen: true });
    this.#events = events;
  }

  /** From the plugin. */
  receive(parts: ResponseParts): void | Promise<void> {
    let room: Promise<void> | undefined;
    if (parts.tunnelChunk !== undefined && !this.push(parts.tunnelChunk)) {
      room = new Promise((resolve) => {
        this.#roomForMore = resolve;
      });
    }
    if (parts.tunnelEnd === true) {
      this.push(null);
    }
    return room;
  }

  override _read(): void {
    this.#roomForMore?.();
    this.#roomForMore = undefined;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, settle: Settle): void {
    this.#deliverAll(chunk).then(() => settle(), settle);
  }

  override _final(settle: Settle): void {
    this.#events.deliver({ tunnelEnd: true }).then(() => settle(), settle);
  }

  override _destroy(error: Error | null, settle: Settle): void {
    this.#roomForMore?.();
    if (!this.readableEnded || !this.writableFinished) {
      this.#events.leave();
    }
    settle(error);
  }

  async #deliverAll(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at += bodyChunkBytesMax) {
      // oxlint-disable-next-line no-await-in-loop -- one at a time is the contract of receive
      await this.#events.deliver({ tunnelChunk: bytes.subarray(at, at + bodyChunkBytesMax) });
    }
  }
}

type Settle = (error?: Error | null) => void;
