import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { type CutFrame, endStreamFlag, FrameCutter, frameTypes } from "./frame-cutter.js";

/** In what a stack differs from `node:http2` on the wire. */
export interface GateTraits {
  /**
   * The window of the connection opens only as streams are read, as in Go, hyper and most others.
   * Node opens it as bytes come.
   */
  readonly windowOpensAsRead?: boolean;
  /**
   * Streams that may be reset before they are accepted, in a turn of the event loop of their own;
   * one more ends the connection with ENHANCE_YOUR_CALM, as hyper's h2 does.
   */
  readonly unacceptedResetsMax?: number;
  /** Is given every frame of a host's. */
  readonly onFrame?: (frame: CutFrame) => void;
}

const prefaceBytes = 24;
const enhanceYourCalm = 11;

/** Stands in front of a server on `node:http2` and makes another stack of it. */
export class StackGate implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
    this.port = (server.address() as AddressInfo).port;
  }

  static async open(behindPort: number, traits: GateTraits): Promise<StackGate> {
    const sockets = new Set<Socket>();
    const server = createServer((host) => {
      const behind = connect(behindPort, "127.0.0.1");
      for (const [one, other] of [
        [host, behind],
        [behind, host],
      ] as const) {
        sockets.add(one);
        one.on("error", () => other.destroy());
        one.on("end", () => other.end());
        one.on("close", () => {
          sockets.delete(one);
          other.destroy();
        });
      }
      pass(host, behind, traits);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new StackGate(server, sockets);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    await once(this.#server, "close");
  }
}

function pass(host: Socket, behind: Socket, traits: GateTraits): void {
  const fromHost = new FrameCutter(prefaceBytes);
  const fromBehind = new FrameCutter(0);
  const window = traits.windowOpensAsRead === true ? new ReadWindow(host) : undefined;
  const limit = new ResetLimit(host, traits.unacceptedResetsMax ?? Number.POSITIVE_INFINITY);
  host.on("data", (input: Buffer) => {
    for (const frame of fromHost.push(input)) {
      traits.onFrame?.(frame);
      window?.hostSent(frame);
      limit.hostSent(frame);
    }
    behind.write(input);
  });
  behind.on("data", (input: Buffer) => {
    for (const frame of fromBehind.push(input)) {
      if (window?.serverSent(frame) !== false) {
        host.write(frame.bytes);
      }
    }
  });
}

/** The window of a connection, which opens by what its streams have read. */
class ReadWindow {
  readonly #host: Socket;
  /** By stream: bytes that came and were not read. */
  readonly #unread = new Map<number, number>();

  constructor(host: Socket) {
    this.#host = host;
  }

  hostSent({ type, streamId, payload }: CutFrame): void {
    if (type === frameTypes.data) {
      this.#unread.set(streamId, (this.#unread.get(streamId) ?? 0) + payload.length);
    } else if (type === frameTypes.rstStream) {
      this.#release(streamId);
    }
  }

  /** Whether the frame goes on to the host. */
  serverSent({ type, flags, streamId, payload }: CutFrame): boolean {
    const ends = type === frameTypes.data || type === frameTypes.headers;
    if ((ends && (flags & endStreamFlag) !== 0) || type === frameTypes.rstStream) {
      this.#release(streamId);
    }
    if (type !== frameTypes.windowUpdate) {
      return true;
    }
    if (streamId !== 0) {
      const bytes = payload.readUInt32BE(0);
      this.#unread.set(streamId, (this.#unread.get(streamId) ?? 0) - bytes);
      this.#give(bytes);
    }
    return streamId !== 0;
  }

  #release(streamId: number): void {
    const bytes = this.#unread.get(streamId) ?? 0;
    this.#unread.delete(streamId);
    this.#give(bytes);
  }

  #give(bytes: number): void {
    if (bytes > 0) {
      const frame = Buffer.from([0, 0, 4, frameTypes.windowUpdate, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
      frame.writeUInt32BE(bytes, 9);
      this.#host.write(frame);
    }
  }
}

/** Ends a connection on which too many streams are reset before they are accepted. */
class ResetLimit {
  readonly #host: Socket;
  readonly #resetsMax: number;
  readonly #unaccepted = new Set<number>();
  #resets = 0;

  constructor(host: Socket, resetsMax: number) {
    this.#host = host;
    this.#resetsMax = resetsMax;
  }

  hostSent({ type, streamId }: CutFrame): void {
    if (type === frameTypes.headers) {
      if (this.#unaccepted.size === 0) {
        setImmediate(() => this.#acceptAll());
      }
      this.#unaccepted.add(streamId);
    } else if (type === frameTypes.rstStream && this.#unaccepted.has(streamId)) {
      this.#resets += 1;
      if (this.#resets > this.#resetsMax) {
        const goaway = Buffer.from([
          0,
          0,
          8,
          frameTypes.goaway,
          0,
          0,
          0,
          0,
          0,
          ...Array(8).fill(0),
        ]);
        goaway.writeUInt32BE(streamId, 9);
        goaway.writeUInt32BE(enhanceYourCalm, 13);
        this.#host.end(goaway);
      }
    }
  }

  #acceptAll(): void {
    this.#unaccepted.clear();
    this.#resets = 0;
  }
}
