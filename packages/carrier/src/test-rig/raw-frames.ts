import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { ClientHttp2Session } from "node:http2";
import { connectHttp2 } from "../connect.js";
import { HostStreams } from "./host-streams.js";
import { TemporarySocket } from "./temporary-socket.js";

/** Types of HTTP/2 frames (RFC 9113, section 6). */
export const frameType = { data: 0, headers: 1, rstStream: 3, settings: 4, ping: 6, goaway: 7 };

/** Flags of HTTP/2 frames. */
export const frameFlag = { endStream: 1, ack: 1, endHeaders: 4 };

const prefaceBytes = 24;
const frameHeadBytes = 9;

/** ":status: 200" and "content-type: application/grpc", in HPACK. */
export const grpcResponseBlock = Buffer.concat([
  Buffer.from([0x88, 0x0f, 0x10, 16]),
  Buffer.from("application/grpc"),
]);

/** What a test says on a connection. */
export interface FrameWriter {
  send(type: number, flags: number, streamId: number, payload: Uint8Array): void;
  readonly socket: Socket;
}

/**
 * A plugin of bare frames: Node's own server says more than it is told, an END_STREAM before a
 * reset for one.
 */
export class FramePlugin implements AsyncDisposable {
  readonly session: ClientHttp2Session;
  readonly streams: HostStreams;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #temporary: TemporarySocket;

  private constructor(
    session: ClientHttp2Session,
    server: Server,
    sockets: Set<Socket>,
    temporary: TemporarySocket,
  ) {
    this.session = session;
    this.streams = new HostStreams(temporary.path);
    this.#server = server;
    this.#sockets = sockets;
    this.#temporary = temporary;
  }

  /** `onData` is called with the first DATA frame of each stream. */
  static async serve(
    onData: (writer: FrameWriter, streamId: number) => void,
  ): Promise<FramePlugin> {
    const temporary = await TemporarySocket.make();
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      answerFrames(socket, onData);
    });
    server.listen(temporary.path);
    await once(server, "listening");
    const address = { kind: "unix", path: temporary.path } as const;
    const session = await connectHttp2(address, AbortSignal.timeout(10_000));
    return new FramePlugin(session, server, sockets, temporary);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session.destroy();
    this.streams.cut();
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    this.#server.close();
    await once(this.#server, "close");
    await this.#temporary[Symbol.asyncDispose]();
  }
}

function answerFrames(
  socket: Socket,
  onData: (writer: FrameWriter, streamId: number) => void,
): void {
  const seen = new Set<number>();
  const writer: FrameWriter = {
    socket,
    send: (type, flags, streamId, payload) => {
      const head = Buffer.alloc(frameHeadBytes);
      head.writeUIntBE(payload.length, 0, 3);
      head[3] = type;
      head[4] = flags;
      head.writeUInt32BE(streamId, 5);
      socket.write(Buffer.concat([head, payload]));
    },
  };
  writer.send(frameType.settings, 0, 0, Buffer.alloc(0));
  let input = Buffer.alloc(0);
  let skipBytes = prefaceBytes;
  socket.on("data", (octets: Buffer) => {
    input = Buffer.concat([input, octets]);
    for (;;) {
      const begin = skipBytes;
      if (input.length < begin + frameHeadBytes) {
        return;
      }
      const length = input.readUIntBE(begin, 3);
      const end = begin + frameHeadBytes + length;
      if (input.length < end) {
        return;
      }
      const type = input[begin + 3];
      const flags = input[begin + 4] ?? 0;
      const streamId = input.readUInt32BE(begin + 5);
      const payload = input.subarray(begin + frameHeadBytes, end);
      input = input.subarray(end);
      skipBytes = 0;
      if (type === frameType.settings && (flags & frameFlag.ack) === 0) {
        writer.send(frameType.settings, frameFlag.ack, 0, Buffer.alloc(0));
      } else if (type === frameType.ping && (flags & frameFlag.ack) === 0) {
        writer.send(frameType.ping, frameFlag.ack, 0, payload);
      } else if (type === frameType.data && !seen.has(streamId)) {
        seen.add(streamId);
        onData(writer, streamId);
      }
    }
  });
}
