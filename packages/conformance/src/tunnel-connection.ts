import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { seededChunks } from "./seeded-bytes.js";

/** What came through a tunnel. */
export interface Received {
  /** The SHA-256, in hex, of as many bytes as were awaited. */
  readonly sha256: string;
  /** What came behind them, as Latin-1. */
  readonly rest: string;
}

const tunnelHead = "HTTP/1.1 200 OK\r\n\r\n";

/** A client's connection that a plugin has taken over. Reads nothing until it is told to. */
export class TunnelConnection implements Disposable {
  readonly #socket: Socket;
  #sentBytes = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Asks for a tunnel. Rejects where the answer is anything else. */
  static async open(port: number, path: string): Promise<TunnelConnection> {
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true });
    await once(socket, "connect");
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    let head: Buffer | null = null;
    while ((head = socket.read(tunnelHead.length) as Buffer | null) === null) {
      await once(socket, "readable");
    }
    if (head.toString("latin1") !== tunnelHead) {
      throw new Error(`no tunnel: ${head.toString("latin1")}`);
    }
    return new TunnelConnection(socket);
  }

  /** Bytes that the connection has taken so far. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Sends the bytes of a seed, as fast as they are taken, and half-closes. */
  async send(seed: string, sizeBytes: number): Promise<void> {
    await pipeline(Readable.from(this.#counted(seed, sizeBytes)), this.#socket);
  }

  /** Receives until the plugin's end. */
  async receive(sizeBytes: number): Promise<Received> {
    const hash = createHash("sha256");
    let left = sizeBytes;
    let rest = "";
    for await (const bytes of this.#socket) {
      const chunk = bytes as Buffer;
      hash.update(chunk.subarray(0, left));
      rest += chunk.toString("latin1", left);
      left = Math.max(0, left - chunk.length);
    }
    return { sha256: hash.digest("hex"), rest };
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  *#counted(seed: string, sizeBytes: number): Generator<Uint8Array> {
    for (const chunk of seededChunks(seed, sizeBytes)) {
      yield chunk;
      this.#sentBytes += chunk.byteLength;
    }
  }
}
