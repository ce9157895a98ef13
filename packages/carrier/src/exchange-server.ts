import { createHash, timingSafeEqual } from "node:crypto";
import {
  constants,
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  Http2ServerRequest,
  Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { type AcceptExchange, type Logger, ServeHTTPError } from "@servehttp/contract";
import { refuseConnection } from "./http2/refuse-connection.js";
import { statusFields } from "./wire/grpc-status.js";
import type { HeaderFields } from "./wire/header-fields.js";
import {
  type ConnectionLimits,
  localLimits,
  pluginConnectionWindowBytes,
  serverOptions,
} from "./node/http2-settings.js";
import { NodeRpcStream } from "./node/node-rpc-stream.js";
import { type PluginServices, servePluginService } from "./services/plugin-services.js";
import { PluginMux } from "./mux/plugin-mux.js";
import { PluginStreamExchange, refuseStream } from "./stream/plugin-stream-exchange.js";
import { DedicatedConnection } from "./http2/dedicated-connection.js";
import { detectDedicated } from "./http2/detect-dedicated.js";
import { serveHTTPMuxPath, serveHTTPPath } from "./wire/rpc-paths.js";
import type { RpcStream } from "./mux/rpc-stream.js";
import { BufferedSocket } from "./node/buffered-socket.js";
import { PluginTls, type PluginTlsOptions } from "./tls/plugin-tls.js";
import { WireWriter } from "./wire/wire-writer.js";

/** Options of an `ExchangeServer`. */
export interface ExchangeServerOptions {
  /** Called for each exchange, on either carrier. Must not throw. */
  readonly accept: AcceptExchange;
  /** What it answers to `Describe` and to the health service in gRPC with protobuf. */
  readonly services: PluginServices;
  /**
   * Serves all RPCs of other services, and all in another protocol than gRPC with protobuf. Only
   * RPCs that have shown the token come here.
   */
  readonly rpc: ServeRpc;
  /**
   * Refuses an RPC in another protocol than gRPC that has not shown the token. Default: a refusal
   * in gRPC.
   */
  readonly refuse?: ServeRpc;
  /** What every RPC must show as `authorization: Bearer`. Undefined: no token is needed. */
  readonly token: string | undefined;
  /** What one connection may do. Default: `localLimits`. */
  readonly limits?: ConnectionLimits;
  /** Default: no TLS. */
  readonly tls?: PluginTlsOptions;
  /** Is told of certificates, and of hosts that are refused for theirs. Default: nobody. */
  readonly logger?: Logger;
}

/** Answers an RPC of Node's HTTP/2. */
export type ServeRpc = (request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** Where an `ExchangeServer` listens. */
export type ListenAddress =
  | { readonly path: string }
  | { readonly host: string; readonly port: number };

/** The plugin's end of the wire: an HTTP/2 server that accepts exchanges on both carriers. */
export class ExchangeServer {
  readonly #options: ExchangeServerOptions;
  readonly #server: Http2Server | Http2SecureServer;
  readonly #tls: PluginTls | undefined;
  /**
   * With TLS: all connections. A session exists only after the handshake, which the other end may
   * delay as long as it likes.
   */
  readonly #tlsConnections = new Set<Socket>();
  /** Connections on which nothing has come yet. */
  readonly #silent = new Set<Socket>();
  readonly #rpcs = new Set<DedicatedConnection>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #streamExchanges = new Set<PluginStreamExchange>();
  readonly #muxes = new Set<PluginMux>();
  readonly #limits: ConnectionLimits;
  readonly #tokenHash: Buffer | undefined;
  readonly #writer = new WireWriter();
  /** open -> draining [drain] */
  #state: "open" | "draining" = "open";

  /** @throws Error in one line, where the certificates can't be used */
  constructor(options: ExchangeServerOptions) {
    this.#options = options;
    this.#tokenHash = options.token === undefined ? undefined : hash(`Bearer ${options.token}`);
    this.#limits = options.limits ?? localLimits;
    const settings = serverOptions(this.#limits);
    const tls = options.tls && new PluginTls(options.tls, options.logger);
    this.#tls = tls;
    this.#server =
      tls === undefined
        ? createServer(settings)
        : tls.keepIn(createSecureServer({ ...settings, ...tls.serverOptions() }));
    this.#server.on("error", () => {
      // A connection could not be accepted, mostly for want of file descriptors. The next one may
      // be. `listen` handles its own errors.
    });
    if (tls !== undefined) {
      this.#server.on("connection", (socket: Socket) => {
        this.#tlsConnections.add(socket);
        socket.once("close", () => this.#tlsConnections.delete(socket));
      });
    }
    this.#lookFirst(tls === undefined ? "connection" : "secureConnection");
    this.#server.on("session", (session) => this.#onSession(session));
    this.#server.on(
      "stream",
      (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: string[]) =>
        this.#onStream(stream, headers, raw),
    );
  }

  /**
   * Starts to listen. Resolves with the address, including the port that was chosen for port 0.
   *
   * @throws the error of `node:net`'s `listen`, such as EADDRINUSE
   */
  async listen(address: ListenAddress): Promise<AddressInfo | string> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    this.#server.listen(address, resolve);
    try {
      await promise;
    } finally {
      this.#server.off("error", reject);
    }
    return this.#server.address() as AddressInfo | string;
  }

  /**
   * Accepts no new connections and no new exchanges. Those that run go on. Resolves when all
   * connections are closed.
   */
  async drain(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#state = "draining";
    this.#server.close(() => resolve());
    for (const mux of this.#muxes) {
      mux.drain();
    }
    for (const socket of this.#silent) {
      socket.destroy();
    }
    for (const session of this.#sessions) {
      session.close();
    }
    await promise;
  }

  /**
   * Gives up all exchanges that are open, and tells both their handlers and the host why. While
   * draining, the connections close when the host has heard of it.
   */
  giveUp(error: ServeHTTPError): void {
    for (const mux of this.#muxes) {
      mux.giveUp(error);
    }
    for (const exchange of this.#streamExchanges) {
      exchange.inputFailed(error);
    }
  }

  /** Closes all connections at once. */
  destroy(): void {
    for (const session of this.#sessions) {
      // The default code is NO_ERROR, and a stream that ends with it looks as if it were complete.
      session.destroy(
        new ServeHTTPError("plugin-closing", "the plugin is closing"),
        constants.NGHTTP2_CANCEL,
      );
    }
    for (const rpc of this.#rpcs) {
      rpc.destroy();
    }
    for (const socket of [...this.#tlsConnections, ...this.#silent]) {
      socket.destroy();
    }
  }

  /** Reads the first bytes of each connection before Node's own listener gets it. */
  #lookFirst(event: "connection" | "secureConnection"): void {
    const [serve] = this.#server.listeners(event) as ((connection: Duplex) => void)[];
    if (serve === undefined) {
      throw new Error(`node:http2 does not listen to ${event}`);
    }
    this.#server.off(event, serve);
    this.#server.on(event, (socket: Socket) => {
      const refusal = this.#tls?.refusalOf(socket as TLSSocket);
      if (refusal !== undefined) {
        refuseConnection(socket, refusal);
        return;
      }
      const { alpnProtocol } = socket as Partial<TLSSocket>;
      if (alpnProtocol !== undefined && alpnProtocol !== "h2") {
        // Node refuses clients that agreed on another protocol.
        serve.call(this.#server, socket);
        return;
      }
      if (this.#state === "draining") {
        // The connection began before draining, and its TLS handshake took until now.
        socket.destroy();
        return;
      }
      // Node's HTTP/2 does so with a socket of its own.
      socket.setNoDelay(true);
      this.#silent.add(socket);
      const forget = () => this.#silent.delete(socket);
      socket.on("error", () => {
        // The close that follows is enough.
      });
      socket.once("close", forget);
      socket.once("data", (octets: Buffer) => {
        socket.off("close", forget);
        forget();
        const fields = detectDedicated(octets);
        if (fields?.[":path"] === serveHTTPMuxPath && isGrpcWithProtobuf(fields["content-type"])) {
          this.#serveRpc(socket, fields, octets);
        } else {
          socket.pause();
          socket.unshift(octets);
          serve.call(this.#server, new BufferedSocket(socket));
        }
      });
    });
  }

  /** Serves a connection that carries one mux RPC and nothing else. */
  #serveRpc(socket: Socket, fields: HeaderFields, octets: Buffer): void {
    const rpc = DedicatedConnection.accept(socket, grpcResponseFields);
    this.#rpcs.add(rpc);
    socket.once("close", () => this.#rpcs.delete(rpc));
    if (!this.#mayEnter(fields["authorization"])) {
      rpc.end(refusalFields);
      return;
    }
    const mux = this.#serveMux(rpc);
    socket.once("close", () => this.#muxes.delete(mux));
    rpc.start(octets);
  }

  #serveMux(stream: RpcStream): PluginMux {
    const mux = new PluginMux(stream, this.#options.accept, this.#limits.exchangesMax);
    this.#muxes.add(mux);
    if (this.#state === "draining") {
      mux.drain();
    }
    return mux;
  }

  #onSession(session: ServerHttp2Session): void {
    if (process.versions["bun"] === undefined) {
      // Bun 1.4 opens no stream's window any more once this is called, and uploads stop at the first window.
      session.setLocalWindowSize(pluginConnectionWindowBytes);
    }
    this.#sessions.add(session);
    session.on("error", () => {
      // Its exchanges hear of it when their streams close.
    });
    session.once("close", () => this.#sessions.delete(session));
    if (this.#state === "draining") {
      // The connection began before draining, and its TLS handshake took until now.
      session.close();
    }
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: string[]): void {
    const isGrpc = isGrpcWithProtobuf(headers["content-type"]);
    if (!this.#mayEnter(headers.authorization)) {
      if (isGrpc || this.#options.refuse === undefined) {
        refuseStream(stream, refusalFields);
      } else {
        serveRpc(this.#options.refuse, stream, headers, rawHeaders);
      }
      return;
    }
    const path = isGrpc ? headers[":path"] : undefined;
    if (path === serveHTTPPath) {
      const exchange = new PluginStreamExchange(stream, this.#writer, this.#options.accept);
      this.#streamExchanges.add(exchange);
      stream.once("close", () => this.#streamExchanges.delete(exchange));
    } else if (path === serveHTTPMuxPath) {
      const mux = this.#serveMux(new NodeRpcStream(stream));
      stream.once("close", () => this.#muxes.delete(mux));
    } else if (!servePluginService(stream, path, this.#options.services, this.#writer)) {
      serveRpc(this.#options.rpc, stream, headers, rawHeaders);
    }
  }

  #mayEnter(authorization: string | undefined): boolean {
    if (this.#tokenHash === undefined) {
      return true;
    }
    // Hashes have one length, so that the comparison takes the same time whatever was shown.
    return authorization !== undefined && timingSafeEqual(hash(authorization), this.#tokenHash);
  }
}

function serveRpc(
  serve: ServeRpc,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders: string[],
): void {
  const request = new Http2ServerRequest(stream, headers, {}, rawHeaders);
  serve(request, new Http2ServerResponse(stream));
}

/**
 * Whether the content type is one that the carriers read themselves (gRPC over HTTP/2, "Requests").
 */
function isGrpcWithProtobuf(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/grpc(?:\+proto)?(?:$|;)/i.test(contentType);
}

const refusalFields = statusFields(
  new ServeHTTPError("unauthenticated", "the token is missing or wrong"),
);

const grpcResponseFields: HeaderFields = {
  ":status": "200",
  "content-type": "application/grpc+proto",
};

function hash(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
