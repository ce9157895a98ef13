import { once } from "node:events";
import {
  type AddressInfo,
  connect,
  createServer,
  type ListenOptions,
  type NetConnectOpts,
  type Server,
  type Socket,
} from "node:net";
import {
  flags as frameFlags,
  type Frame,
  frame as frameOf,
  FrameCutter,
  frameTypes,
  preface,
  uint32,
} from "../wire/http2-frames.js";

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
  readonly onFrame?: (frame: Frame) => void;
}

const enhanceYourCalm = 11;

/** Stands in front of a server on `node:http2` and makes another stack of it. */
export class StackGate implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, sockets: Set<Socket>) {
    this.#server = server;
    this.#sockets = sockets;
  }

  /** Listens, and passes on to `behind`. `traits` are looked at when a connection comes. */
  static async open(
    listen: ListenOptions,
    behind: NetConnectOpts,
    traits: GateTraits | (() => GateTraits),
  ): Promise<StackGate> {
    const sockets = new Set<Socket>();
    const listener = createServer((host) => {
      const server = connect(behind);
      for (const [one, other] of [
        [host, server],
        [server, host],
      ] as const) {
        sockets.add(one);
        one.on("error", () => other.destroy());
        one.on("end", () => other.end());
        one.on("close", () => {
          sockets.delete(one);
          other.destroy();
        });
      }
      pass(host, server, typeof traits === "function" ? traits() : traits);
    });
    listener.listen(listen);
    await once(listener, "listening");
    return new StackGate(listener, sockets);
  }

  /** The port where it listens on one. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) {
      socket.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.cut();
    await closed;
  }
}

function pass(host: Socket, behind: Socket, traits: GateTraits): void {
  const fromHost = new FrameCutter(preface.length);
  const fromBehind = new FrameCutter();
  const window = traits.windowOpensAsRead === true ? new ReadWindow(host) : undefined;
  const limit = new ResetLimit(host, traits.unacceptedResetsMax ?? Number.POSITIVE_INFINITY);
  host.on("data", (input: Buffer) => {
    fromHost.push(input, (frame) => {
      traits.onFrame?.(frame);
      window?.hostSent(frame);
      limit.hostSent(frame);
    });
    behind.write(input);
  });
  behind.on("data", (input: Buffer) => {
    fromBehind.push(input, (frame) => {
      if (window?.serverSent(frame) !== false) {
        host.write(frameOf(frame.type, frame.flags, frame.streamId, frame.payload));
      }
    });
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

  hostSent({ type, streamId, payload }: Frame): void {
    if (type === frameTypes.data) {
      this.#unread.set(streamId, (this.#unread.get(streamId) ?? 0) + payload.length);
    } else if (type === frameTypes.rstStream) {
      this.#release(streamId);
    }
  }

  /** Whether the frame goes on to the host. */
  serverSent({ type, flags, streamId, payload }: Frame): boolean {
    const ends = type === frameTypes.data || type === frameTypes.headers;
    if ((ends && (flags & frameFlags.endStream) !== 0) || type === frameTypes.rstStream) {
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
      this.#host.write(frameOf(frameTypes.windowUpdate, 0, 0, uint32(bytes)));
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

  hostSent({ type, streamId }: Frame): void {
    if (type === frameTypes.headers) {
      if (this.#unaccepted.size === 0) {
        setImmediate(() => this.#acceptAll());
      }
      this.#unaccepted.add(streamId);
    } else if (type === frameTypes.rstStream && this.#unaccepted.has(streamId)) {
      this.#resets += 1;
      if (this.#resets > this.#resetsMax) {
        const payload = Buffer.concat([uint32(streamId), uint32(enhanceYourCalm)]);
        const goaway = frameOf(frameTypes.goaway, 0, 0, payload);
        this.#host.end(goaway);
      }
    }
  }

  #acceptAll(): void {
    this.#unaccepted.clear();
    this.#resets = 0;
  }
}
