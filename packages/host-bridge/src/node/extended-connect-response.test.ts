import { constants, createServer, type ServerHttp2Stream } from "node:http2";
import { connect as connectSocket } from "node:net";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { describe, expect, it, vi } from "vitest";
import {
  clientPreface,
  FramePeer,
  frameFlag,
  frameType,
  headersFrame,
  type SeenFrame,
  turns,
  until,
} from "@servehttp/testkit";
import { Bridge, type BridgeOptions } from "../test-rig/bridge.js";
import { connectHttp2, Http2Stream } from "../test-rig/http2-stream.js";

async function start(
  handler: PluginHandler,
  options: BridgeOptions = {},
): Promise<{ bridge: Bridge; open: ReadonlySet<ServerHttp2Stream> }> {
  const server = createServer();
  const open = new Set<ServerHttp2Stream>();
  server.on("stream", (stream) => {
    open.add(stream);
    stream.once("close", () => open.delete(stream));
  });
  return { bridge: await Bridge.start(handler, { server, ...options }), open };
}

const connect = {
  ":method": "CONNECT",
  ":protocol": "websocket",
  ":scheme": "http",
  ":path": "/plugins/notes/chat",
  ":authority": "a",
  "sec-websocket-version": "13",
};

/** Takes the connection over and writes these pieces, each by itself; then echoes. */
function answering(...pieces: readonly string[]): PluginHandler {
  return {
    async serveHTTP(_request, response) {
      const { socket } = await response.hijack();
      socket.on("error", ignore);
      for (const piece of pieces) {
        await new Promise<unknown>((resolve) => {
          socket.write(piece, "latin1", resolve);
        });
      }
      socket.pipe(socket);
    },
  };
}

function ignore(): void {
  // How a tunnel ended is looked at on the host's side.
}

const switching =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\nX-M: 1\r\nX-M: 2\r\n\r\nfirst";

describe("ExtendedConnectResponse", () => {
  it("asks the plugin by an HTTP/1 upgrade", async () => {
    const seen: unknown[] = [];
    const { bridge } = await start({
      async serveHTTP({ headers, host, method, protocol, url }, response) {
        seen.push({ host, method, protocol, url });
        for (const name of ["connection", "upgrade", "sec-websocket-version"]) {
          seen.push(headers.get(name));
        }
        seen.push(Buffer.from(headers.get("sec-websocket-key") ?? "", "base64").length);
        await response.end();
      },
    });
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const stream = new Http2Stream(session, connect, false);
    await until(() => stream.ended, "the answer");
    expect(seen).toEqual([
      { host: "a", method: "GET", protocol: "HTTP/2.0", url: "/chat" },
      "Upgrade",
      "websocket",
      "13",
      16,
    ]);
  });

  it.each([
    ["whole", [switching]],
    ["byte by byte", switching.split("")],
    ...[1, 20, 34, switching.indexOf("\r\n\r\n") + 1, switching.indexOf("\r\n\r\n") + 3].map(
      (at): [string, string[]] => [`cut at ${at}`, [switching.slice(0, at), switching.slice(at)]],
    ),
  ])("makes 101 a 200 where its head comes %s", async (_how, pieces) => {
    const { bridge, open } = await start(answering(...pieces));
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const stream = new Http2Stream(session, connect, false);
    await until(() => stream.body === "first", "what follows the head");
    expect(stream.status).toBe(200);
    expect(stream.response).toMatchObject({ "sec-websocket-protocol": "chat", "x-m": "1, 2" });
    expect(stream.response).not.toHaveProperty("sec-websocket-accept");
    expect(stream.response).not.toHaveProperty("upgrade");
    stream.stream.write(" echo");
    await until(() => stream.body === "first echo", "the echo");
    stream.stream.end();
    await stream.closed();
    expect(stream.resetCode).toBe(0);
    await until(() => open.size === 0 && bridge.inFlight === 0, "nothing is left");
    expect(bridge.host.plugins[0]?.outcomes).toEqual({ ok: 1 });
  });

  it.each(["that goes on", "whose client has ended its way"])(
    "T6: resets a tunnel that breaks, one %s",
    async (which) => {
      const { bridge } = await start({
        async serveHTTP(_request, response) {
          const { socket } = await response.hijack();
          const breaks = () => socket.destroy(new Error("broken"));
          socket.on("error", ignore).on("data", breaks).on("end", breaks);
          socket.write(switching, "latin1");
        },
      });
      await using _ = bridge;
      await using session = await connectHttp2(bridge.port);
      const stream = new Http2Stream(session, connect, false);
      await until(() => stream.body === "first", "what follows the head");
      if (which === "that goes on") {
        stream.stream.write("more");
      } else {
        stream.stream.end();
      }
      await stream.closed();
      expect(stream.resetCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);
    },
  );

  it("copies a head that comes byte by byte a few times at most (H2)", async () => {
    const field = `X-Long: ${"v".repeat(4_000)}\r\n`;
    const { bridge } = await start(answering(...switching.replace("X-M: 1\r\n", field).split("")));
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    using concat = vi.spyOn(Buffer, "concat");
    using copy = vi.spyOn(Buffer.prototype, "copy");
    const stream = new Http2Stream(session, connect, false);
    await until(() => stream.body === "first", "what follows the head");
    expect(stream.response?.["x-long"]).toHaveLength(4_000);
    let bytes = 0;
    for (const { value } of concat.mock.results) {
      bytes += (value as Buffer).length;
    }
    for (const { value } of copy.mock.results) {
      bytes += value as number;
    }
    expect(bytes).toBeLessThan(200_000);
  });

  it("keeps the blanks within a value and drops those around it", async () => {
    const answer = switching.replace("X-M: 1\r\n", "X-Blank:\t a \t  b \t\r\nX-Empty: \r\n");
    const { bridge } = await start(answering(answer));
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const stream = new Http2Stream(session, connect, false);
    await until(() => stream.body === "first", "what follows the head");
    expect(stream.response).toMatchObject({ "x-blank": "a \t  b", "x-empty": "" });
  });

  const key = "dGhlIHNhbXBsZSBub25jZQ==";

  it.each<[string, string | string[], boolean]>([
    ["one that is valid", key, true],
    ["two", [key, key], false],
    ["one that is too short", "dGhl", false],
    ["one that is no base64", "!".repeat(24), false],
  ])("T2 gives the plugin one key where its client sends %s", async (_what, sent, kept) => {
    const keys: (readonly string[])[] = [];
    const { bridge } = await start({
      async serveHTTP({ headers }, response) {
        keys.push(headers.getAll("sec-websocket-key"));
        const { socket } = await response.hijack();
        socket.on("error", ignore);
        socket.write(switching, "latin1");
      },
    });
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const stream = new Http2Stream(
      session,
      { ...connect, ["sec-websocket-key" as string]: sent },
      false,
    );
    await until(() => stream.status === 200, "the head");
    expect(keys).toEqual([[expect.stringMatching(/^[A-Za-z0-9+/]{22}==$/)]]);
    expect(keys[0]?.[0] === key).toBe(kept);
    // RFC 6455, section 1.3, has the value for this key.
    const accept = kept ? "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" : undefined;
    expect(stream.response?.["sec-websocket-accept"]).toBe(accept);
  });

  it("T4 resets with NO_ERROR behind a refusal that is complete", async () => {
    const { bridge, open } = await start({
      async serveHTTP(_request, response) {
        const { socket } = await response.hijack();
        socket.on("error", ignore);
        socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno", () => {
          socket.destroy();
        });
      },
    });
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const stream = new Http2Stream(session, connect, false);
    await stream.closed();
    expect([stream.status, stream.body, stream.ended]).toEqual([400, "no", true]);
    expect(stream.resetCode).toBe(constants.NGHTTP2_NO_ERROR);
    await until(() => open.size === 0 && bridge.inFlight === 0, "nothing is left");
  });

  it("T4 ends a complete refusal by END_STREAM, before any reset", async () => {
    const { bridge } = await start({
      async serveHTTP(_request, response) {
        const { socket } = await response.hijack();
        socket.on("error", ignore);
        socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno", () => {
          socket.destroy();
        });
      },
    });
    await using _ = bridge;
    const socket = connectSocket(bridge.port, "127.0.0.1");
    const peer = new FramePeer(socket, "host");
    socket.write(clientPreface);
    socket.write(headersFrame(1, Object.entries(connect)));
    const ofStream = () => peer.frames.filter(({ streamId }) => streamId === 1);
    const isOver = ({ flags, type }: SeenFrame) =>
      type === frameType.rstStream ||
      (type === frameType.data && (flags & frameFlag.endStream) !== 0);
    await until(() => ofStream().some(isOver), "the end of the stream");
    expect(ofStream().find(isOver)?.type).toBe(frameType.data);
    socket.destroy();
  });

  it("T4 answers 501 where the plugin serves the upgrade as an ordinary request", async () => {
    const { bridge, open } = await start({
      async serveHTTP(request, response) {
        if (request.url === "/hijack") {
          const { socket } = await response.hijack();
          socket.on("error", ignore);
          socket.end("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na page");
        } else if (request.url === "/parts") {
          await response.write("a ");
          await response.flush();
          await response.end("page");
        } else {
          await response.end("a page");
        }
      },
    });
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    for (const path of ["whole", "parts", "hijack"]) {
      const fields = { ...connect, ":path": `/plugins/notes/${path}` };
      const stream = new Http2Stream(session, fields, false);
      await until(() => stream.ended, "the answer");
      expect([path, stream.status, stream.body]).toEqual([path, 501, "a page"]);
      stream.stream.end();
    }
    await until(() => open.size === 0 && bridge.inFlight === 0, "nothing is left");
  });

  it("passes a refusal on that a WebSocket library writes itself", async () => {
    const { bridge, open } = await start({
      async serveHTTP(_request, response) {
        const { socket } = await response.hijack();
        socket.on("error", ignore);
        socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
      },
    });
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const stream = new Http2Stream(session, connect, false);
    await until(() => stream.ended, "the answer");
    expect([stream.status, stream.body]).toEqual([403, "no"]);
    stream.stream.end();
    await until(() => open.size === 0 && bridge.inFlight === 0, "nothing is left");
  });

  it("passes a refusal on that the plugin answers, and keeps no stream open", async () => {
    const { bridge, open } = await start({
      async serveHTTP(_request, response) {
        response.writeHead(403);
        await response.end("no");
      },
    });
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const stream = new Http2Stream(session, connect, false);
    await until(() => stream.ended, "the answer");
    expect([stream.status, stream.body]).toEqual([403, "no"]);
    await until(() => open.size === 0 && bridge.inFlight === 0, "nothing is left");
  });

  it.each([
    ["no HTTP", "hello\r\n\r\n"],
    ["a bare line feed", "HTTP/1.1 200\n\nOK\r\n\r\n"],
    ["an interim status", "HTTP/1.1 100 Continue\r\n\r\n"],
    ["an invalid field", "HTTP/1.1 101 x\r\na b: c\r\n\r\n"],
    ["an invalid value", "HTTP/1.1 101 x\r\na: \u0001\r\n\r\n"],
    ["a head without end", `HTTP/1.1 101 x\r\n${"a: b\r\n".repeat(20_000)}`],
  ])("resets the stream for an answer of %s", async (_what, answer) => {
    const { bridge, open } = await start(answering(answer));
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const stream = new Http2Stream(session, connect, false);
    await stream.closed();
    expect([stream.status, stream.resetCode]).toEqual([
      undefined,
      constants.NGHTTP2_INTERNAL_ERROR,
    ]);
    await until(() => open.size === 0 && bridge.inFlight === 0, "nothing is left");
  });

  it("ends with its client, before and behind the head", async () => {
    for (const pieces of [[switching], ["HTTP/1.1 101"]]) {
      const { bridge, open } = await start(answering(...pieces));
      await using _ = bridge;
      await using session = await connectHttp2(bridge.port);
      const stream = new Http2Stream(session, connect, false);
      await until(() => bridge.host.plugins[0]?.tunnels === 1, "the tunnel is open");
      await turns(3);
      stream.stream.close(constants.NGHTTP2_CANCEL);
      await until(() => open.size === 0 && bridge.inFlight === 0, "nothing is left");
      expect(bridge.host.plugins[0]?.outcomes).toEqual({ "client-disconnected": 1 });
    }
  });

  it("ends with its plugin", async () => {
    const { bridge } = await start(answering(switching));
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const stream = new Http2Stream(session, connect, false);
    await until(() => stream.body === "first", "what follows the head");
    await bridge.plugin.close();
    await stream.closed();
    expect(stream.resetCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);
  });

  it("is refused for a protocol that is not on the list, and for a plain CONNECT", async () => {
    const plugin = answering(switching);
    const { bridge } = await start(plugin);
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const other = new Http2Stream(session, { ...connect, ":protocol": "connect-udp" }, false);
    await until(() => other.ended, "the answer");
    expect(other.status).toBe(501);
    const plain = new Http2Stream(session, { ":method": "CONNECT", ":authority": "a:1" }, false);
    await until(() => plain.ended, "the answer");
    expect(plain.status).toBe(405);
    expect(bridge.inFlight).toBe(0);

    const allowed = await start(plugin, { host: { edge: { upgrades: ["connect-udp"] } } });
    await using __ = allowed.bridge;
    await using other2 = await connectHttp2(allowed.bridge.port);
    const udp = new Http2Stream(other2, { ...connect, ":protocol": "connect-udp" }, false);
    await until(() => udp.status !== undefined, "the head");
    expect(udp.status).toBe(200);
  });

  it("is refused beyond the limit of tunnels, and for a plugin that is not there", async () => {
    const { bridge } = await start(answering(switching), { host: { limits: { maxTunnels: 1 } } });
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const first = new Http2Stream(session, connect, false);
    await until(() => first.status === 200, "the first");
    const second = new Http2Stream(session, connect, false);
    await until(() => second.ended, "the answer");
    expect(second.status).toBe(503);
    const nobody = new Http2Stream(session, { ...connect, ":path": "/plugins/none/" }, false);
    await until(() => nobody.ended, "the answer");
    expect(nobody.status).toBe(404);
  });
});
