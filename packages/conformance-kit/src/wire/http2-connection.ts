import type { Socket } from "node:net";
import { envelope, MessageCutter } from "./grpc-messages.js";
import { encodeFields, grpcStatusIn } from "./header-block.js";
import {
  flags,
  type Frame,
  frame,
  FrameCutter,
  frameTypes,
  preface,
  readSettings,
  settingIds,
  settingsFrame,
  uint32,
} from "./http2-frames.js";
import type { Rpc, RpcEnd, RpcReader } from "./messages.js";
import { connectTo, type PluginAddress } from "./plugin-address.js";

/** What a call of one message came to. */
export interface UnaryResult extends RpcEnd {
  readonly message: Uint8Array | undefined;
}

const defaultWindowBytes = 65_535;
const defaultFrameBytes = 16_384;
/** How much of all streams together may be under way. It is given back as it arrives. */
const connectionWindowBytes = 16_777_216;

/**
 * A connection to a plugin, with any number of RPCs. It frames HTTP/2 itself: a library would not
 * reset a stream without ending it first, or send a message byte by byte, as some hosts do.
 */
export class Http2Connection implements Disposable {
  readonly #socket: Socket;
  readonly #token: string | undefined;
  readonly #streams = new Map<number, Stream>();
  /** The settings, until the first RPC goes: a host may write both as one. */
  #opening: Buffer | undefined;
  #nextId = 1;
  #sendWindow = defaultWindowBytes;
  #peerWindowBytes = defaultWindowBytes;
  #frameBytes = defaultFrameBytes;
  readonly #windowBytes: number;
  /** What was taken of all streams since the connection's window was opened last. */
  #takenBytes = 0;
  #goaway = Promise.withResolvers<void>();
  /** How many streams the peer takes at once, as far as it has said so. */
  maxStreams = Number.POSITIVE_INFINITY;
  /** Whether the peer takes no more RPCs here, or has closed the connection. */
  isGoingAway = false;

  private constructor(socket: Socket, token: string | undefined, windowBytes: number) {
    this.#socket = socket;
    this.#token = token;
    this.#windowBytes = windowBytes;
    this.#opening = Buffer.concat([
      preface,
      settingsFrame([
        [settingIds.headerTableSize, 0],
        [settingIds.enablePush, 0],
        [settingIds.initialWindowSize, windowBytes],
      ]),
      frame(frameTypes.windowUpdate, 0, 0, uint32(connectionWindowBytes - defaultWindowBytes)),
    ]);
    const cutter = new FrameCutter();
    socket.on("data", (data: Buffer) => cutter.push(data, (one) => this.#receive(one)));
    socket.on("drain", () => this.#pump());
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#goAway();
      for (const stream of this.#streams.values()) {
        this.#finish(stream, { status: undefined, text: "the connection was closed" });
      }
    });
  }

  /** `windowBytes` is the window of each stream. */
  static async open(
    address: PluginAddress,
    token: string | undefined,
    windowBytes = 262_144,
  ): Promise<Http2Connection> {
    return new Http2Connection(await connectTo(address), token, windowBytes);
  }

  /** Resolves when the peer takes no more RPCs here. */
  goingAway(): Promise<void> {
    return this.#goaway.promise;
  }

  /** Begins an RPC. */
  call(path: string, reader: RpcReader, fields: Readonly<Record<string, string>> = {}): Rpc {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream: Stream = {
      id,
      reader,
      cutter: new MessageCutter(),
      queue: [],
      sendWindow: this.#peerWindowBytes,
      takenBytes: 0,
      held: undefined,
      status: undefined,
      hasEnded: false,
    };
    const block = encodeFields({
      ":method": "POST",
      ":scheme": "http",
      ":path": path,
      ":authority": "localhost",
      "content-type": "application/grpc+proto",
      te: "trailers",
      ...(this.#token !== undefined && { authorization: `Bearer ${this.#token}` }),
      ...fields,
    });
    const headers = frame(frameTypes.headers, flags.endHeaders, id, block);
    if (this.#socket.destroyed) {
      queueMicrotask(() => reader.end({ status: undefined, text: "the connection is closed" }));
      return this.#rpcOf(stream);
    }
    this.#streams.set(id, stream);
    this.#socket.write(
      this.#opening === undefined ? headers : Buffer.concat([this.#opening, headers]),
    );
    this.#opening = undefined;
    return this.#rpcOf(stream);
  }

  /** One message there and one back. */
  unary(path: string, message: Uint8Array): Promise<UnaryResult> {
    return new Promise((resolve) => {
      let answer: Uint8Array | undefined;
      const rpc = this.call(path, {
        message: (bytes) => {
          answer = bytes;
        },
        end: (end) => resolve({ ...end, message: answer }),
      });
      void rpc.write(envelope(message));
      rpc.halfClose();
    });
  }

  /** Breaks the connection, with whatever is on it. */
  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #rpcOf(stream: Stream): Rpc {
    const isOpen = (): boolean => this.#streams.get(stream.id) === stream;
    return {
      write: (bytes, andEnd = false) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        if (isOpen()) {
          stream.queue.push({ bytes, sent: resolve });
          if (andEnd) {
            stream.queue.push("end");
          }
          this.#pump();
        } else {
          resolve();
        }
        return promise;
      },
      halfClose: () => {
        if (isOpen()) {
          stream.queue.push("end");
          this.#pump();
        }
      },
      reset: (code) => {
        if (isOpen()) {
          this.#socket.write(frame(frameTypes.rstStream, 0, stream.id, uint32(code)));
          this.#finish(stream, { status: undefined, text: "this side reset the RPC" });
        }
      },
      pause: () => {
        stream.held ??= [];
      },
      resume: () => {
        const held = stream.held ?? [];
        stream.held = undefined;
        for (const data of held) {
          stream.cutter.push(data, (message) => stream.reader.message(message));
          this.#giveBack(stream, data.length);
        }
      },
    };
  }

  /** Sends what the windows allow, a frame of each stream in turn. */
  #pump(): void {
    let hasSent = true;
    while (hasSent) {
      hasSent = false;
      for (const stream of this.#streams.values()) {
        hasSent = this.#sendFrameOf(stream) || hasSent;
      }
    }
  }

  #sendFrameOf(stream: Stream): boolean {
    const [first] = stream.queue;
    if (first === undefined || this.#socket.writableNeedDrain) {
      return false;
    }
    if (first === "end") {
      this.#socket.write(frame(frameTypes.data, flags.endStream, stream.id, Buffer.alloc(0)));
      stream.queue.shift();
      stream.hasEnded = true;
      return true;
    }
    const room = Math.min(this.#sendWindow, stream.sendWindow, this.#frameBytes);
    if (room <= 0 && first.bytes.length > 0) {
      return false;
    }
    const part = first.bytes.subarray(0, room);
    first.bytes = first.bytes.subarray(part.length);
    this.#sendWindow -= part.length;
    stream.sendWindow -= part.length;
    const isLast = first.bytes.length === 0 && stream.queue[1] === "end";
    this.#socket.write(frame(frameTypes.data, isLast ? flags.endStream : 0, stream.id, part));
    stream.hasEnded ||= isLast;
    if (first.bytes.length === 0) {
      stream.queue.splice(0, isLast ? 2 : 1);
      first.sent();
    }
    return true;
  }

  #receive({ type, flags: flag, streamId, payload }: Frame): void {
    const stream = this.#streams.get(streamId);
    switch (type) {
      case frameTypes.data:
        this.#receiveData(stream, flag, payload);
        break;
      case frameTypes.headers:
        if (stream !== undefined) {
          stream.status = grpcStatusIn(payload) ?? stream.status;
        }
        break;
      case frameTypes.rstStream:
        if (stream !== undefined) {
          this.#finish(stream, endOf(stream, `RST_STREAM with code ${payload.readUInt32BE()}`));
        }
        return;
      case frameTypes.settings:
        if ((flag & flags.ack) === 0) {
          this.#receiveSettings(readSettings(payload));
        }
        return;
      case frameTypes.ping:
        if ((flag & flags.ack) === 0) {
          this.#write(frame(frameTypes.ping, flags.ack, 0, payload));
        }
        return;
      case frameTypes.goaway:
        this.#goAway();
        return;
      case frameTypes.windowUpdate:
        if (streamId === 0) {
          this.#sendWindow += payload.readUInt32BE();
        } else if (stream !== undefined) {
          stream.sendWindow += payload.readUInt32BE();
        }
        this.#pump();
        return;
      default:
        return;
    }
    if (stream !== undefined && (flag & flags.endStream) !== 0) {
      if (!stream.hasEnded) {
        // Otherwise a stream that was answered early stays half open for ever.
        this.#write(frame(frameTypes.data, flags.endStream, stream.id, Buffer.alloc(0)));
      }
      this.#finish(stream, endOf(stream, "the RPC ended without a gRPC status"));
    }
  }

  #receiveData(stream: Stream | undefined, flag: number, payload: Buffer): void {
    this.#takenBytes += payload.length;
    if (this.#takenBytes >= connectionWindowBytes / 2) {
      this.#write(frame(frameTypes.windowUpdate, 0, 0, uint32(this.#takenBytes)));
      this.#takenBytes = 0;
    }
    if (stream === undefined) {
      return;
    }
    const data =
      (flag & flags.padded) === 0
        ? payload
        : payload.subarray(1, payload.length - (payload[0] ?? 0));
    if (stream.held !== undefined) {
      stream.held.push(data);
      return;
    }
    stream.cutter.push(data, (message) => stream.reader.message(message));
    if ((flag & flags.endStream) === 0) {
      this.#giveBack(stream, payload.length);
    }
  }

  /**
   * Opens a stream's window again once half of it is used, as most stacks do. One that goes may close
   * the connection behind its last byte, and a write to it then would cost what was not read yet.
   */
  #giveBack(stream: Stream, bytes: number): void {
    stream.takenBytes += bytes;
    if (stream.takenBytes >= this.#windowBytes / 2 && this.#streams.has(stream.id)) {
      this.#write(frame(frameTypes.windowUpdate, 0, stream.id, uint32(stream.takenBytes)));
      stream.takenBytes = 0;
    }
  }

  #receiveSettings(settings: ReadonlyMap<number, number>): void {
    const windowBytes = settings.get(settingIds.initialWindowSize) ?? this.#peerWindowBytes;
    for (const stream of this.#streams.values()) {
      stream.sendWindow += windowBytes - this.#peerWindowBytes;
    }
    this.#peerWindowBytes = windowBytes;
    this.#frameBytes = settings.get(settingIds.maxFrameSize) ?? this.#frameBytes;
    this.maxStreams = settings.get(settingIds.maxConcurrentStreams) ?? this.maxStreams;
    this.#write(frame(frameTypes.settings, flags.ack, 0, Buffer.alloc(0)));
    this.#pump();
  }

  /** What a peer asks for before the first RPC goes is answered behind the preface. */
  #write(bytes: Buffer): void {
    if (this.#opening === undefined) {
      this.#socket.write(bytes);
    } else {
      this.#opening = Buffer.concat([this.#opening, bytes]);
    }
  }

  #goAway(): void {
    this.isGoingAway = true;
    this.#goaway.resolve();
  }

  #finish(stream: Stream, end: RpcEnd): void {
    if (this.#streams.delete(stream.id)) {
      for (const one of stream.queue) {
        if (one !== "end") {
          one.sent();
        }
      }
      stream.reader.end(end);
    }
  }
}

interface Stream {
  readonly id: number;
  readonly reader: RpcReader;
  readonly cutter: MessageCutter;
  readonly queue: ("end" | { bytes: Uint8Array; readonly sent: () => void })[];
  sendWindow: number;
  /** What was taken since its window was opened last. */
  takenBytes: number;
  /** What arrived while nobody takes it. */
  held: Buffer[] | undefined;
  status: number | undefined;
  /** Whether this side has sent END_STREAM. */
  hasEnded: boolean;
}

function endOf({ status }: Stream, otherwise: string): RpcEnd {
  return { status, text: status === undefined ? otherwise : `gRPC status ${status}` };
}
