import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { until } from "@servehttp/testkit";

/** A client that writes bytes and sees bytes, so that a test decides what stands on the wire. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  /** All that came, as Latin-1. */
  received = "";
  /** The host ended its way. */
  ended = false;
  /** How the connection failed, where it did. */
  failure: Error | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => {
      this.received += chunk.toString("latin1");
    });
    socket.on("end", () => {
      this.ended = true;
    });
    socket.on("error", (error) => {
      this.failure = error;
    });
  }

  /** Connects, with TLS where `secure`, which takes any certificate. */
  static async connect(port: number, secure = false): Promise<RawClient> {
    if (secure) {
      const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false });
      await once(socket, "secureConnect");
      return new RawClient(socket);
    }
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    await once(socket, "connect");
    return new RawClient(socket);
  }

  /** Writes lines with CRLF between them, as they are. */
  send(...lines: readonly string[]): void {
    this.socket.write(lines.join("\r\n"), "latin1");
  }

  /** Resolves when this has come; returns all that came up to its end, and takes it away. */
  async take(text: string): Promise<string> {
    await until(() => this.received.includes(text), `${JSON.stringify(text)} from the host`);
    const end = this.received.indexOf(text) + text.length;
    const taken = this.received.slice(0, end);
    this.received = this.received.slice(end);
    return taken;
  }

  /** Resolves when the host has ended or reset the connection. */
  async hostEnded(): Promise<void> {
    await until(() => this.ended || this.socket.closed, "the host has ended the connection");
  }

  /** Resolves when the connection is closed both ways. */
  async closed(): Promise<void> {
    await until(() => this.socket.closed, "the connection is closed");
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
