import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type ServerAddress, serverAddress } from "./server-address.js";
import type { TestResponse, Pairs } from "./http-client.js";

/** A response exactly as it was on the wire. */
export interface RawResponse extends TestResponse {
  /** The head's bytes as Latin-1, up to and without the empty line. */
  readonly rawHead: string;
  /** Sizes of the chunks, where it was chunked. */
  readonly chunkSizes: readonly number[];
}

/** A TCP connection on which a test writes and reads every byte itself. */
export class RawConnection implements Disposable {
  readonly #socket: Socket;
  #buffered = Buffer.alloc(0);
  #state: { at: "open" } | { at: "ended" } | { at: "reset"; error: Error } = { at: "open" };
  #changed = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      this.#buffered = Buffer.concat([this.#buffered, chunk]);
      this.#wake();
    });
    socket.on("end", () => {
      this.#close({ at: "ended" });
    });
    socket.on("error", (error) => {
      this.#close({ at: "reset", error });
    });
    socket.on("close", () => {
      this.#close({ at: "ended" });
    });
  }

  /** @param server - where it connects to, or the port of 127.0.0.1 */
  static async open(server: ServerAddress | number): Promise<RawConnection> {
    const options = { ...serverAddress(server), allowHalfOpen: true, noDelay: true };
    const socket = connect(options);
    await once(socket, "connect");
    return new RawConnection(socket);
  }

  /** Sends bytes, text as Latin-1. */
  send(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** Half-closes: FIN. */
  finish(): void {
    this.#socket.end();
  }

  /** Resets the connection: RST. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Waits until the other side has closed, and returns how: by FIN ("ended") or RST ("reset"). */
  async closed(): Promise<"ended" | "reset"> {
    while (this.#state.at === "open") {
      await this.#changed.promise;
    }
    return this.#state.at;
  }

  /** Everything up to the other side's close, as Latin-1. */
  async readAll(): Promise<string> {
    await this.closed();
    return this.#take(this.#buffered.length).toString("latin1");
  }

  /** Half-closes, and reads the rest of what the other side sends. */
  readAllAfterFinish(): Promise<string> {
    this.finish();
    return this.readAll();
  }

  /** Bytes up to and with a mark, as Latin-1. */
  async readThrough(mark: string): Promise<string> {
    for (;;) {
      const at = this.#buffered.indexOf(mark, 0, "latin1");
      if (at >= 0) {
        return this.#take(at + mark.length).toString("latin1");
      }
      await this.#more(`before ${JSON.stringify(mark)}`);
    }
  }

  /** The next bytes, exactly as many as asked for. */
  async readExactly(sizeBytes: number): Promise<Buffer> {
    while (this.#buffered.length < sizeBytes) {
      await this.#more(`${this.#buffered.length} of ${sizeBytes} bytes`);
    }
    return this.#take(sizeBytes);
  }

  /**
   * Reads one response, interim or final, by its own framing. Rejects when the connection closes
   * before its end.
   *
   * @param toHead - the request was a HEAD: no body follows
   */
  async readResponse(toHead = false): Promise<RawResponse> {
    const head = await this.readHead();
    if (toHead || head.status < 200 || head.status === 204 || head.status === 304) {
      return { ...head, body: new Uint8Array(), trailers: [], chunkSizes: [] };
    }
    if (value(head.headers, "transfer-encoding") === "chunked") {
      return { ...head, ...(await this.#readChunked()) };
    }
    const length = value(head.headers, "content-length");
    if (length !== undefined) {
      const body = await this.readExactly(Number(length));
      return { ...head, body, trailers: [], chunkSizes: [] };
    }
    const body = Buffer.from(await this.readAll(), "latin1");
    if (this.#state.at === "reset") {
      throw this.#state.error;
    }
    return { ...head, body, trailers: [], chunkSizes: [] };
  }

  /** Reads a head alone. */
  async readHead(): Promise<Omit<RawResponse, "body" | "trailers" | "chunkSizes">> {
    const rawHead = (await this.readThrough("\r\n\r\n")).slice(0, -4);
    const [statusLine = "", ...lines] = rawHead.split("\r\n");
    const match = /^HTTP\/1\.1 (\d{3}) [^\r\n]*$/.exec(statusLine);
    if (match === null) {
      throw new Error(`not a status line: ${JSON.stringify(statusLine)}`);
    }
    return { status: Number(match[1]), headers: lines.map(pairOf), rawHead };
  }

  /** Reads one chunk of a chunked body: its data, and an empty one for the last. */
  async readChunk(): Promise<Buffer> {
    const size = Number.parseInt(await this.readThrough("\r\n"), 16);
    if (size === 0) {
      return Buffer.alloc(0);
    }
    const data = await this.readExactly(size);
    await this.readThrough("\r\n");
    return data;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  async #readChunked(): Promise<Pick<RawResponse, "body" | "trailers" | "chunkSizes">> {
    const chunks: Buffer[] = [];
    for (let chunk = await this.readChunk(); chunk.length > 0; chunk = await this.readChunk()) {
      chunks.push(chunk);
    }
    const trailers: (readonly [string, string])[] = [];
    for (let line = await this.readThrough("\r\n"); line !== "\r\n";) {
      trailers.push(pairOf(line.slice(0, -2)));
      line = await this.readThrough("\r\n");
    }
    return { body: Buffer.concat(chunks), trailers, chunkSizes: chunks.map((one) => one.length) };
  }

  async #more(what: string): Promise<void> {
    if (this.#state.at === "reset") {
      throw new Error(`reset after ${what}`, { cause: this.#state.error });
    }
    if (this.#state.at === "ended") {
      throw new Error(`closed after ${what}`);
    }
    await this.#changed.promise;
  }

  #take(sizeBytes: number): Buffer {
    const taken = this.#buffered.subarray(0, sizeBytes);
    this.#buffered = this.#buffered.subarray(sizeBytes);
    return taken;
  }

  #close(state: { at: "ended" } | { at: "reset"; error: Error }): void {
    if (this.#state.at === "open") {
      this.#state = state;
    }
    this.#wake();
  }

  #wake(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    changed.resolve();
  }
}

function value(headers: Pairs, name: string): string | undefined {
  return headers.find(([key]) => key.toLowerCase() === name)?.[1];
}

function pairOf(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}
