import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ExchangeChannel, type RequestParts, Room, ServeHTTPError } from "@servehttp/contract";
import { writeLent } from "../client/write-lent.js";
import { tunnelLingerMs } from "../limits.js";

/**
 * A client's connection that a plugin took over: bytes both ways. Each direction has its own
 * back-pressure and its own end. No time limit of HTTP applies to it.
 */
export class Tunnel {
  readonly #socket: Duplex;
  readonly #channel: ExchangeChannel<RequestParts>;
  readonly #chunkBytes: number;
  readonly #onStall: () => void;
  readonly #onOver: (error: ServeHTTPError | undefined) => void;
  #clientEnded = false;
  #pluginEnded = false;
  readonly #room = new Room();
  #linger: NodeJS.Timeout | undefined;
  bytesFromClient = 0;
  bytesToClient = 0;
  /** Whether the client's bytes wait for the plugin. */
  pluginIsSlow = false;

  /**
   * `onStall` is called each time that the client's bytes have to wait.
   * `onOver` is called once, when the connection is closed: with an error where the client cut it
   * off.
   */
  constructor(
    socket: Duplex,
    channel: ExchangeChannel<RequestParts>,
    chunkBytes: number,
    onStall: () => void,
    onOver: (error: ServeHTTPError | undefined) => void,
  ) {
    this.#socket = socket;
    this.#channel = channel;
    this.#chunkBytes = chunkBytes;
    this.#onStall = onStall;
    this.#onOver = onOver;
    socket.on("data", (chunk: Buffer) => this.#send(chunk));
    socket.on("end", () => {
      this.#clientEnded = true;
      void channel.send({ tunnelEnd: true });
    });
    socket.on("drain", () => this.#release());
    socket.on("error", () => {
      // The close that follows says what there is to say.
    });
    socket.once("close", () => this.#closed());
    socket.resume();
  }

  /**
   * Writes bytes of the plugin's. A promise settles when there is room again, or the client has
   * left.
   */
  write(chunk: Uint8Array): void | Promise<void> {
    this.bytesToClient += chunk.length;
    const socket = this.#socket;
    if (socket.destroyed) {
      return undefined;
    }
    // A stream of HTTP/2 has a way of its own to its connection.
    const hasRoom = socket instanceof Socket ? writeLent(socket, chunk) : socket.write(chunk);
    return hasRoom ? undefined : this.#room.wait();
  }

  /** Whether the plugin's bytes wait for the client. */
  get clientIsSlow(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** The plugin writes nothing more. */
  end(): void {
    this.#pluginEnded = true;
    this.#socket.end();
  }

  /**
   * The plugin has closed its socket. Closes the connection once the client has read what was
   * written, or after `tunnelLingerMs`.
   */
  close(): void {
    this.#pluginEnded = true;
    // What the client still sends is dropped.
    this.#clientEnded = true;
    const socket = this.#socket;
    socket.end();
    if (socket.writableFinished) {
      socket.destroy();
      return;
    }
    socket.once("finish", () => socket.destroy());
    this.#linger = setTimeout(() => socket.destroy(), tunnelLingerMs);
  }

  /** Closes the connection at once. */
  destroy(): void {
    this.#socket.destroy();
  }

  #send(chunk: Buffer): void {
    this.bytesFromClient += chunk.length;
    let room: void | Promise<void> = undefined;
    for (let offset = 0; offset < chunk.length; offset += this.#chunkBytes) {
      room = this.#channel.send({ tunnelChunk: chunk.subarray(offset, offset + this.#chunkBytes) });
    }
    if (room !== undefined) {
      this.#onStall();
      this.#socket.pause();
      this.pluginIsSlow = true;
      const goOn = () => {
        this.pluginIsSlow = false;
        this.#socket.resume();
      };
      // A rejection says that the exchange is over, and then the socket is destroyed.
      room.then(goOn, goOn);
    }
  }

  #release(): void {
    this.#room.open();
  }

  #closed(): void {
    clearTimeout(this.#linger);
    this.#release();
    const complete = this.#clientEnded && this.#pluginEnded;
    this.#onOver(
      complete ? undefined : new ServeHTTPError("client-disconnected", "the client left"),
    );
  }
}
