import { once } from "node:events";
import {
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { Code } from "@connectrpc/connect";
import type { RequestInit, ServeHTTPError } from "@servehttp/contract";
import { describe, expect, it, vi } from "vitest";
import { type PluginConnectionOptions, PluginConnection } from "./plugin-connection.js";
import { until } from "@servehttp/testkit";

const carriers = { stream: 1, mux: 2 } as const;

/** A plugin in no language, which answers by the bytes of the wire. */
class WirePlugin implements AsyncDisposable {
  readonly sessions: ServerHttp2Session[] = [];
  readonly sockets: Socket[] = [];
  /** Open RPCs but `Describe`, by their paths. */
  readonly open: { readonly path: string; readonly stream: ServerHttp2Stream }[] = [];
  readonly port: number;
  /** What `Describe` answers. */
  readonly offered: number[];
  readonly #server: Http2Server | Http2SecureServer;
  readonly #closed: Promise<unknown>;

  private constructor(server: Http2Server | Http2SecureServer, offered: readonly number[]) {
    this.#server = server;
    this.offered = [...offered];
    this.#closed = once(server, "close");
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (socket: Socket) => void this.sockets.push(socket));
    server.on("session", (session) => {
      session.on("error", ignore);
      this.sessions.push(session);
    });
    server.on("stream", (stream, headers) => {
      const path = String(headers[":path"]);
      stream.on("error", ignore);
      if (path === "/servehttp.v1.PluginService/Describe") {
        // DescribeResponse { contract_version: 1, serves_http: true, carriers }
        answer(stream, [0x08, 1, 0x10, 1, 0x1a, this.offered.length, ...this.offered]);
      } else {
        this.open.push({ path, stream });
      }
    });
  }

  static start(...offered: readonly number[]): Promise<WirePlugin> {
    return WirePlugin.startOn(createServer(), ...offered);
  }

  static async startOn(
    server: Http2Server | Http2SecureServer,
    ...offered: readonly number[]
  ): Promise<WirePlugin> {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new WirePlugin(server, offered);
  }

  stopListening(): void {
    this.#server.close();
  }

  connect(options: Partial<PluginConnectionOptions> = {}): Promise<PluginConnection> {
    const address = { kind: "tcp", host: "127.0.0.1", port: this.port } as const;
    return PluginConnection.connect(
      { pluginId: "notes", address, token: undefined, carrier: "auto", ...options },
      new AbortController().signal,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.sessions) {
      session.destroy();
    }
    this.stopListening();
    await this.#closed;
  }
}

function ignore(): void {
  // What became of a stream is looked at on the host's side.
}

/** Ends an RPC with one message and the status OK. */
function answer(stream: ServerHttp2Stream, message: readonly number[]): void {
  stream.respond({ "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(Buffer.from([0, 0, 0, 0, message.length, ...message]));
}

const plainInit: RequestInit = {
  method: "GET",
  url: "/",
  requestUri: "/",
  basePath: "",
  fullPath: false,
  protocol: "HTTP/1.1",
  protocolMajor: 1,
  protocolMinor: 1,
  host: "localhost",
  remoteAddress: "127.0.0.1:1",
  headers: [],
  contentLength: -1,
  deadlineUnixMs: 0,
  requestId: "r1",
  context: {},
  scheme: "http",
  expectContinue: false,
  hijackable: false,
};

const receiver = { receive: () => undefined, abort: () => undefined };

describe("PluginConnection", () => {
  it("takes mux where it is offered, unless it is told otherwise", async () => {
    await using both = await WirePlugin.start(carriers.stream, carriers.mux);
    await using streams = await WirePlugin.start(carriers.stream);
    await using silent = await WirePlugin.start();
    const cases = [
      [both, "auto", "mux"],
      [both, "mux", "mux"],
      [both, "stream", "stream"],
      [streams, "auto", "stream"],
      [silent, "auto", "stream"],
    ] as const;
    for (const [plugin, carrier, agreed] of cases) {
      const connection = await plugin.connect({ carrier });
      expect(connection.carrier).toBe(agreed);
      void connection.close("now");
    }
    await expect(streams.connect({ carrier: "mux" })).rejects.toMatchObject({
      code: "not-a-plugin",
      message: expect.stringContaining("does not offer the mux carrier"),
    });
  });

  it.each(["mux", "stream"] as const)(
    "S3: is lost when the plugin's server says that it goes, and takes no new connection (%s)",
    async (carrier) => {
      await using plugin = await WirePlugin.start(carriers.stream, carriers.mux);
      const connection = await plugin.connect({ carrier });
      plugin.stopListening();
      plugin.sessions[0]?.goaway(0);
      expect(await connection.lost).toMatchObject({ code: "plugin-closing" });
      expect(() => connection.open(receiver)).toThrow("closing");
      await connection.close("now");
      expect(connection.closed).toBe(true);
    },
  );

  it.each(["mux", "stream"] as const)(
    "says that it is lost when its connections break and none can be made (%s)",
    async (carrier) => {
      await using plugin = await WirePlugin.start(carriers.stream, carriers.mux);
      const connection = await plugin.connect({ carrier });
      plugin.stopListening();
      for (const socket of plugin.sockets) {
        socket.resetAndDestroy();
      }
      expect(await connection.lost).toMatchObject({ code: "connection-lost" });
      expect(() => connection.open(receiver)).toThrow("closing");
    },
  );

  it.each(["destroy", "goaway"] as const)(
    "S3: makes the connection for Describe and health anew, and serves on meanwhile (%s)",
    async (how) => {
      await using plugin = await WirePlugin.start(carriers.stream);
      const connection = await plugin.connect();
      const lost = vi.fn<(reason: ServeHTTPError) => void>();
      void connection.lost.then(lost);
      const channel = connection.open(receiver);
      void channel.send({ init: plainInit });
      await until(() => plugin.open.length === 1, "the exchange");
      if (how === "goaway") {
        plugin.sessions[0]?.goaway(0);
      } else {
        plugin.sockets[0]?.destroy();
      }
      await until(() => plugin.sessions.length === 3, "the third connection");
      const serving = connection.isServing(new AbortController().signal);
      await until(() => plugin.open.length === 2, "the question");
      expect(plugin.open[1]?.stream.session).toBe(plugin.sessions[2]);
      answer(plugin.open[1]?.stream as ServerHttp2Stream, [0x08, 1]);
      expect(await serving).toBe(true);
      expect(plugin.open[0]?.stream.destroyed).toBe(false);
      expect(lost).not.toHaveBeenCalled();
      await connection.close("now");
    },
  );

  it("is lost when another plugin answers where it was connected", async () => {
    await using plugin = await WirePlugin.start(carriers.stream);
    const connection = await plugin.connect();
    plugin.offered.push(carriers.mux);
    plugin.sockets[0]?.destroy();
    expect(await connection.lost).toMatchObject({ code: "connection-lost" });
    await connection.close("now");
  });

  it("S1: asks how the plugin is on a connection that carries nothing else", async () => {
    await using plugin = await WirePlugin.start(carriers.stream);
    const connection = await plugin.connect();
    for (let index = 0; index < 3; index += 1) {
      void connection.open(receiver).send({ init: plainInit });
    }
    const serving = connection.isServing(new AbortController().signal);
    await until(() => plugin.open.length === 4, "all RPCs");
    const [health] = plugin.open.filter(({ path }) => path.endsWith("/Check"));
    const others = plugin.open.filter((one) => one !== health);
    expect(others.some(({ stream }) => stream.session === health?.stream.session)).toBe(false);
    answer(health?.stream as ServerHttp2Stream, [0x08, 1]);
    expect(await serving).toBe(true);
    await connection.close("now");
  });

  it("asks how the plugin is", async () => {
    await using plugin = await WirePlugin.start(carriers.stream);
    const connection = await plugin.connect();
    const ask = async (reply: (stream: ServerHttp2Stream) => void): Promise<boolean> => {
      const serving = connection.isServing(new AbortController().signal);
      await until(() => plugin.open.length > 0, "the question");
      const asked = plugin.open.pop();
      expect(asked?.path).toBe("/grpc.health.v1.Health/Check");
      if (asked !== undefined) {
        reply(asked.stream);
      }
      return await serving;
    };
    const status = (code: string) => (stream: ServerHttp2Stream) => {
      const fields = { "content-type": "application/grpc", "grpc-status": code };
      stream.respond(fields, { endStream: true });
    };
    // HealthCheckResponse { status: SERVING }, and NOT_SERVING
    expect(await ask((stream) => answer(stream, [0x08, 1]))).toBe(true);
    expect(await ask((stream) => answer(stream, [0x08, 2]))).toBe(false);
    // UNIMPLEMENTED: it has no health service.
    expect(await ask(status("12"))).toBe(true);
    await expect(ask(status("13"))).rejects.toMatchObject({ code: Code.Internal });
    const given = new AbortController();
    const hung = connection.isServing(given.signal);
    await until(() => plugin.open.length > 0, "the question");
    given.abort();
    await expect(hung).rejects.toMatchObject({ code: Code.Canceled });
    await until(() => plugin.open[0]?.stream.closed === true, "the question is taken back");
    void connection.close("now");
  });
});
