import { once } from "node:events";
import { WebSocket } from "ws";
import type { AppAddress } from "./served-app.js";

/** A WebSocket client of `ws`. It keeps messages until a test asks for them. */
export class StockWebSocket implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #messages: Buffer[] = [];
  readonly #closed: Promise<number>;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.#closed = new Promise((resolve) => {
      socket.on("close", resolve);
    });
    socket.on("message", (message: Buffer) => this.#messages.push(message));
  }

  /** Opens one at a path of an application. Rejects with the error of `ws` where it is refused. */
  static async open(
    app: Pick<AppAddress, "port" | "base">,
    path: string,
    protocols: readonly string[] = [],
  ): Promise<StockWebSocket> {
    const url = `ws://127.0.0.1:${app.port}${app.base}${path}`;
    const socket = new WebSocket(url, [...protocols]);
    const opened = new StockWebSocket(socket);
    await once(socket, "open");
    return opened;
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  get extensions(): string {
    return this.#socket.extensions;
  }

  send(message: string | Uint8Array): void {
    this.#socket.send(message);
  }

  sendFragments(first: string, last: string): void {
    this.#socket.send(first, { fin: false });
    this.#socket.send(last, { fin: true });
  }

  /** The next message, as text. */
  async message(): Promise<string> {
    if (this.#messages.length === 0) {
      await once(this.#socket, "message");
    }
    return String(this.#messages.shift());
  }

  /** Sends a ping and returns the payload of its pong. */
  async ping(data: string): Promise<string> {
    this.#socket.ping(data);
    const [pong] = (await once(this.#socket, "pong")) as [Buffer];
    return pong.toString();
  }

  /** The code with which it was closed. */
  closed(): Promise<number> {
    return this.#closed;
  }

  close(code: number): Promise<number> {
    this.#socket.close(code);
    return this.#closed;
  }

  /** Leaves without a close frame. */
  terminate(): void {
    this.#socket.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.terminate();
    await this.#closed;
  }
}
