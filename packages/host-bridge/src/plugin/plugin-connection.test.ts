import { once } from "node:events";
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { Code } from "@connectrpc/connect";
import { ServeHTTPError } from "@servehttp/contract";
import { describe, expect, it } from "vitest";
import { until } from "@servehttp/testkit";
import { type PluginConnectionOptions, PluginConnection } from "./plugin-connection.js";
import { certificate } from "../test-rig/certificate.js";

const carriers = { stream: 1, mux: 2 } as const;

/** A plugin in no language, which answers by the bytes of the wire. */
class WirePlugin implements AsyncDisposable {
  readonly sessions: ServerHttp2Session[] = [];
  readonly sockets: Socket[] = [];
  /** Open RPCs but `Describe`, by their paths. */
  readonly open: { readonly path: string; readonly stream: ServerHttp2Stream }[] = [];
  readonly port: number;
  readonly #server: Http2Server | Http2SecureServer;

  private constructor(server: Http2Server | Http2SecureServer, offered: readonly number[]) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    server.on("connection", (socket: Socket) => void this.sockets.push(socket));
    server.on("session", (session) => void this.sessions.push(session));
    server.on("stream", (stream, headers) => {
      const path = String(headers[":path"]);
      stream.on("error", ignore);
      if (path === "/servehttp.v1.PluginService/Describe") {
        // DescribeResponse { contract_version: 1, serves_http: true, carriers }
        answer(stream, [0x08, 1, 0x10, 1, 0x1a, offered.length, ...offered]);
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
    this.#server.close();
    await once(this.#server, "close");
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

const receiver = { receive: () => undefined, abort: () => undefined };

describe("PluginLink", () => {
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
      connection.close("now");
    }
    await expect(streams.connect({ carrier: "mux" })).rejects.toMatchObject({
      code: "not-a-plugin",
      message: expect.stringContaining("does not offer the mux carrier"),
    });
  });

  it.each(["mux", "stream"] as const)(
    "opens no more exchanges once the plugin's connection says that it goes (%s)",
    async (carrier) => {
      await using plugin = await WirePlugin.start(carriers.stream, carriers.mux);
      const connection = await plugin.connect({ carrier });
      const channel = connection.open(receiver);
      channel.reset(new ServeHTTPError("client-disconnected", "the test is done with it"));
      plugin.sessions[0]?.goaway(0);
      expect(await connection.lost).toMatchObject({ code: "plugin-closing" });
      expect(() => connection.open(receiver)).toThrow("closing");
      connection.close("now");
      expect(connection.closed).toBe(true);
    },
  );

  it.each(["mux", "stream"] as const)("says that its connection is lost (%s)", async (carrier) => {
    await using plugin = await WirePlugin.start(carriers.stream, carriers.mux);
    const connection = await plugin.connect({ carrier });
    plugin.sockets[0]?.resetAndDestroy();
    expect(await connection.lost).toMatchObject({ code: "connection-lost" });
    expect(() => connection.open(receiver)).toThrow("closing");
  });

  it.each([
    ["connection-lost", (plugin: WirePlugin) => plugin.sockets[0]?.resetAndDestroy()],
    ["plugin-closing", (plugin: WirePlugin) => plugin.sessions[0]?.goaway(0)],
  ] as const)("hears of %s while its other connection is being made", async (code, happen) => {
    const pem = certificate();
    const server = createSecureServer(pem);
    await using plugin = await WirePlugin.startOn(server, carriers.stream, carriers.mux);
    // The handshake takes longer than what happens here.
    const happened = until(() => plugin.sockets.length === 2, "the second connection").then(() =>
      happen(plugin),
    );
    const address = {
      kind: "tcp",
      host: "127.0.0.1",
      port: plugin.port,
      tls: { ca: pem.cert },
    } as const;
    const connection = await plugin.connect({ address });
    await happened;
    expect(await connection.lost).toMatchObject({ code });
    expect(() => connection.open(receiver)).toThrow("closing");
    connection.close("now");
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
    connection.close("now");
  });
});
