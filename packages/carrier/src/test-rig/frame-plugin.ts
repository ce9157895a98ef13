import { once } from "node:events";
import type { ClientHttp2Session } from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import { frameFlag, FramePeer, frameType, TemporaryDirectory } from "@servehttp/testkit";
import { connectHttp2 } from "../connect.js";
import { HostStreams } from "./host-streams.js";

/** ":status: 200" and "content-type: application/grpc", in HPACK. */
export const grpcResponseBlock = Buffer.concat([
  Buffer.from([0x88, 0x0f, 0x10, 16]),
  Buffer.from("application/grpc"),
]);

/**
 * A plugin of bare frames, which acknowledges SETTINGS and PING by itself. Node's own server sends
 * more than it is told to: an END_STREAM before a reset, for example.
 */
export class FramePlugin implements AsyncDisposable {
  readonly session: ClientHttp2Session;
  readonly streams: HostStreams;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;
  readonly #directory: TemporaryDirectory;

  private constructor(
    session: ClientHttp2Session,
    server: Server,
    sockets: Set<Socket>,
    directory: TemporaryDirectory,
  ) {
    this.session = session;
    this.streams = new HostStreams(directory.socketPath);
    this.#server = server;
    this.#sockets = sockets;
    this.#directory = directory;
  }

  /** `onData` is called with the first DATA frame of each stream. */
  static async serve(onData: (peer: FramePeer, streamId: number) => void): Promise<FramePlugin> {
    const directory = await TemporaryDirectory.make();
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      answerFrames(socket, onData);
    });
    server.listen(directory.socketPath);
    await once(server, "listening");
    const address = { kind: "unix", path: directory.socketPath } as const;
    const session = await connectHttp2(address, AbortSignal.timeout(10_000));
    return new FramePlugin(session, server, sockets, directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session.destroy();
    this.streams.cut();
    for (const socket of this.#sockets) {
      socket.destroy();
    }
    this.#server.close();
    await once(this.#server, "close");
    await this.#directory[Symbol.asyncDispose]();
  }
}

function answerFrames(socket: Socket, onData: (peer: FramePeer, streamId: number) => void): void {
  const seen = new Set<number>();
  const peer = new FramePeer(socket, "plugin", ({ type, flags, streamId, payload }) => {
    if (type === frameType.settings && flags !== frameFlag.ack) {
      peer.send(frameType.settings, frameFlag.ack, 0);
    } else if (type === frameType.ping && flags !== frameFlag.ack) {
      peer.send(frameType.ping, frameFlag.ack, 0, payload);
    } else if (type === frameType.data && !seen.has(streamId)) {
      seen.add(streamId);
      onData(peer, streamId);
    }
  });
  peer.send(frameType.settings, 0, 0);
}
