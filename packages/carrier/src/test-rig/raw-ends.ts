import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { RequestParts, ResponseParts } from "@servehttp/contract";
import { create, type MessageInitShape, fromBinary, toBinary } from "@bufbuild/protobuf";
import { TemporaryDirectory } from "@servehttp/testkit";
import {
  type ServeHTTPMuxRequest,
  ServeHTTPMuxRequestSchema,
  type ServeHTTPMuxResponse,
  ServeHTTPMuxResponseSchema,
} from "../../../contract/src/gen/servehttp/v1/mux_pb.js";
import { connectHttp2 } from "../connect.js";
import { rpcHeaders } from "../wire/rpc-paths.js";
import { encodeRequest, encodeResponse } from "./generated-codec.js";
import { HostStreams } from "./host-streams.js";

/** Bytes as one gRPC message. */
export function framed(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

export function requestMessageOf(parts: RequestParts): Buffer {
  return framed(encodeRequest(parts, false));
}

export function responseMessageOf(parts: ResponseParts): Buffer {
  return framed(encodeResponse(parts, false));
}

/** One batch of the host's, by the generated codec. */
export function muxRequestOf(
  ...frames: NonNullable<MessageInitShape<typeof ServeHTTPMuxRequestSchema>["frames"]>
): Buffer {
  return framed(toBinary(ServeHTTPMuxRequestSchema, create(ServeHTTPMuxRequestSchema, { frames })));
}

/** One batch of the plugin's, by the generated codec. */
export function muxResponseOf(
  message: MessageInitShape<typeof ServeHTTPMuxResponseSchema>,
): Buffer {
  return framed(toBinary(ServeHTTPMuxResponseSchema, create(ServeHTTPMuxResponseSchema, message)));
}

/** The whole batches in these bytes of the host's. */
export function muxRequestsIn(octets: Buffer): ServeHTTPMuxRequest[] {
  return messagesIn(octets).map((message) => fromBinary(ServeHTTPMuxRequestSchema, message));
}

/** The whole batches in these bytes of the plugin's. */
export function muxResponsesIn(octets: Buffer): ServeHTTPMuxResponse[] {
  return messagesIn(octets).map((message) => fromBinary(ServeHTTPMuxResponseSchema, message));
}

/** The whole messages in these bytes. */
export function messagesIn(octets: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at + 5 <= octets.length;) {
    const end = at + 5 + octets.readUInt32BE(at + 1);
    if (end > octets.length) {
      break;
    }
    messages.push(octets.subarray(at + 5, end));
    at = end;
  }
  return messages;
}

/** A plugin whose streams the test handles, and a host's connection to it. */
export class RawPlugin implements AsyncDisposable {
  readonly path: string;
  readonly session: ClientHttp2Session;
  readonly streams: HostStreams;
  readonly serverSessions: ServerHttp2Session[];
  readonly #server: Http2Server;
  readonly #directory: TemporaryDirectory;

  private constructor(
    session: ClientHttp2Session,
    serverSessions: ServerHttp2Session[],
    server: Http2Server,
    directory: TemporaryDirectory,
  ) {
    this.session = session;
    this.streams = new HostStreams(directory.socketPath);
    this.serverSessions = serverSessions;
    this.#server = server;
    this.#directory = directory;
    this.path = directory.socketPath;
  }

  static async serve(
    onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  ): Promise<RawPlugin> {
    const directory = await TemporaryDirectory.make();
    const server = createServer();
    const sessions: ServerHttp2Session[] = [];
    server.on("session", (session) => {
      sessions.push(session);
      session.on("error", () => undefined);
    });
    server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.on("error", () => undefined);
      onStream(stream, headers);
    });
    const listening = Promise.withResolvers<void>();
    server.listen(directory.socketPath, () => listening.resolve());
    await listening.promise;
    const address = { kind: "unix", path: directory.socketPath } as const;
    const session = await connectHttp2(address, AbortSignal.timeout(10_000));
    return new RawPlugin(session, sessions, server, directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session.destroy();
    this.streams.cut();
    for (const session of this.serverSessions) {
      session.destroy();
    }
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    await closed.promise;
    await this.#directory[Symbol.asyncDispose]();
  }
}

/** An RPC of a host, on which the test writes anything. */
export class RawHostStream {
  readonly stream: ClientHttp2Stream;
  readonly chunks: Buffer[] = [];
  headers: IncomingHttpHeaders = {};
  trailers: IncomingHttpHeaders = {};
  closed = false;

  constructor(session: ClientHttp2Session, path: string, token?: string) {
    this.stream = session.request(rpcHeaders(path, "http://localhost", token));
    this.stream.on("response", (headers) => {
      this.headers = headers;
    });
    this.stream.on("trailers", (trailers) => {
      this.trailers = trailers;
    });
    this.stream.on("data", (chunk: Buffer) => this.chunks.push(chunk));
    this.stream.on("error", () => undefined);
    this.stream.on("close", () => {
      this.closed = true;
    });
  }

  /**
   * The status of the RPC, from its trailers or from a response of trailers only; undefined while
   * there is none.
   */
  get status(): string | undefined {
    return (this.trailers["grpc-status"] ?? this.headers["grpc-status"]) as string | undefined;
  }
}
