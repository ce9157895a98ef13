import { once } from "node:events";
import { createServer, type Server } from "node:http";
import {
  connect as connectHttp2,
  createSecureServer,
  createServer as createHttp2Server,
} from "node:http2";
import { createServer as createHttps } from "node:https";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { TemporaryDirectory, testCertificates, turns, until } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import type { NodeServer } from "../client/node-types.js";
import { fastPathOf } from "../fast-path/install.js";
import { Bridge, type BridgeOptions } from "../test-rig/bridge.js";
import { Http2Stream } from "../test-rig/http2-stream.js";
import { logRecords } from "../test-rig/log-records.js";
import { binaryHeader } from "../test-rig/proxy-headers.js";
import { RawClient } from "../test-rig/raw-client.js";
import { acceptProxyProtocol, type ProxyProtocolOptions } from "./accept-proxy-protocol.js";

const textHeader = Buffer.from("PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\r\n");
const sixHeader = binaryHeader(
  0x21,
  0x21,
  Buffer.from(`20010db8${"0".repeat(23)}7${"0".repeat(31)}1126701bb`, "hex"),
  Buffer.from("040003000102", "hex"),
);
const localHeader = binaryHeader(0x20, 0x00);
const unixHeader = binaryHeader(0x21, 0x31, Buffer.alloc(216, "/"));

const pem = testCertificates().plugin;

/** Says who the client is, to the plugin and to the host's own `context`. */
const handler: PluginHandler = {
  async serveHTTP(request, response) {
    if (request.headers.get("upgrade") !== undefined) {
      const { socket } = await response.hijack();
      socket.end(`HTTP/1.1 101 Switching Protocols\r\n\r\n[${request.remoteAddress}]`);
      return;
    }
    const { scheme, remoteAddress, context } = request;
    const own = `${context["address"]} ${context["port"]}`;
    await response.end(`[${scheme} ${remoteAddress} ${own} ${await request.text()}]`);
  },
};
const host: NonNullable<BridgeOptions["host"]> = {
  context: ({ socket }) => ({
    address: String(socket.remoteAddress),
    port: String(socket.remotePort),
  }),
};
const fromHere = { from: ["127.0.0.1"], logger: false } as const;

async function start(
  server: NodeServer,
  options: ProxyProtocolOptions = fromHere,
  more: BridgeOptions = {},
): Promise<Bridge> {
  const wire = (of: NodeServer) => void acceptProxyProtocol(of, options);
  return Bridge.start(handler, { host, server, wire, ...more });
}

const request = (...fields: readonly string[]) =>
  Buffer.from(
    ["POST /plugins/notes/ HTTP/1.1", "Host: h", "Content-Length: 4", ...fields, "", "body"].join(
      "\r\n",
    ),
  );

async function connected(port: number, ...first: readonly Buffer[]): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(socket, "connect");
  for (const bytes of first) {
    socket.write(bytes);
    // oxlint-disable-next-line no-await-in-loop -- a segment each, as far as the system allows
    await turns(3);
  }
  return socket;
}

async function answerOn(socket: Socket, asked = Buffer.alloc(0)): Promise<string> {
  let received = "";
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
  });
  socket.on("error", () => undefined);
  socket.write(asked);
  await until(() => received.endsWith("]") || socket.closed, "the answer");
  return received.slice(received.indexOf("["));
}

const four = "203.0.113.7:4711 203.0.113.7 4711 body";
const six = "[2001:db8::7]:4711 2001:db8::7 4711 body";

describe.each([
  ["version 1", textHeader, four],
  ["version 2", sixHeader, six],
])("the PROXY protocol, %s", (_version, header, client) => {
  it.each([
    ["the fast path", [], 1],
    ["Node's parser", ["TE: trailers"], 0],
  ])("says who the client is, by %s", async (_reader, fields, served) => {
    await using bridge = await start(createServer());
    const socket = await connected(bridge.port);
    expect(await answerOn(socket, Buffer.concat([header, request(...fields)]))).toBe(
      `[http ${client}]`,
    );
    // The connection stays, and stays this client's.
    expect(await answerOn(socket, request(...fields))).toBe(`[http ${client}]`);
    expect(fastPathOf(bridge.server)?.served).toBe(served * 2);
    socket.destroy();
  });

  it("may come before the request, and in pieces", async () => {
    await using bridge = await start(createServer());
    const [begin, end] = [header.subarray(0, 20), header.subarray(20)];
    const socket = await connected(bridge.port, begin, end);
    expect(await answerOn(socket, request())).toBe(`[http ${client}]`);
    socket.destroy();
  });

  it("may be asked for after the host was attached", async () => {
    await using bridge = await Bridge.start(handler, { host });
    expect(acceptProxyProtocol(bridge.server, fromHere)).toBe(bridge.server);
    const socket = await connected(bridge.port, header);
    expect(await answerOn(socket, request())).toBe(`[http ${client}]`);
    expect(fastPathOf(bridge.server)?.served).toBe(1);
    socket.destroy();
  });

  it.each([
    ["https", () => createHttps(pem), 1],
    ["http2 that speaks HTTP/1 too", () => createSecureServer({ ...pem, allowHTTP1: true }), 0],
  ])("stands in front of TLS: %s", async (_name, create, served) => {
    await using bridge = await start(create());
    const raw = await connected(bridge.port, header);
    const socket = connectTls({ socket: raw, rejectUnauthorized: false });
    expect(await answerOn(socket, request())).toBe(`[https ${client}]`);
    expect(fastPathOf(bridge.server)?.served ?? 0).toBe(served);
    socket.destroy();
  });

  it("may come in one piece with the beginning of TLS", async () => {
    await using bridge = await start(createHttps(pem));
    const raw = await connected(bridge.port);
    raw.cork();
    raw.write(header);
    const socket = connectTls({ socket: raw, rejectUnauthorized: false });
    await turns(2);
    raw.uncork();
    expect(await answerOn(socket, request())).toBe(`[https ${client}]`);
    socket.destroy();
  });

  it.each([
    ["http", createHttp2Server],
    ["https", () => createSecureServer(pem)],
  ])("stands in front of HTTP/2, %s", async (scheme, create) => {
    await using bridge = await start(create());
    const raw = await connected(bridge.port, header);
    const session = connectHttp2(`${scheme}://127.0.0.1`, {
      createConnection: () =>
        scheme === "http"
          ? raw
          : connectTls({ socket: raw, rejectUnauthorized: false, ALPNProtocols: ["h2"] }),
    });
    const fields = { ":method": "POST", ":path": "/plugins/notes/" };
    const stream = new Http2Stream(session, fields, false);
    stream.stream.end("body");
    await stream.closed();
    expect(stream.body).toBe(`[${scheme} ${client}]`);
    session.destroy();
  });
});

describe("the PROXY protocol", () => {
  it("says who the client of an upgrade is", async () => {
    await using bridge = await start(createServer());
    const socket = await connected(bridge.port, textHeader);
    const upgrade = "GET /plugins/notes/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n";
    const asked = Buffer.from(`${upgrade}Upgrade: websocket\r\n\r\n`);
    expect(await answerOn(socket, asked)).toBe("[203.0.113.7:4711]");
    socket.destroy();
  });

  it("lets a proxy behind the balancer say who the client is, if that one is trusted", async () => {
    const trustedProxies = ["203.0.113.0/24"];
    await using bridge = await start(createServer(), fromHere, {
      host: { ...host, edge: { trustedProxies } },
    });
    const socket = await connected(bridge.port, textHeader);
    const asked = request("X-Forwarded-For: 192.0.2.1");
    expect(await answerOn(socket, asked)).toBe("[http 192.0.2.1:0 203.0.113.7 4711 body]");
    socket.destroy();
  });

  it.each([
    ["LOCAL", localHeader],
    ["UNKNOWN", Buffer.from("PROXY UNKNOWN\r\n")],
  ])("leaves the balancer's address where it says %s", async (_name, header) => {
    await using bridge = await start(createServer());
    const socket = await connected(bridge.port, header);
    const { localPort } = socket;
    const own = `127.0.0.1:${localPort} 127.0.0.1 ${localPort}`;
    expect(await answerOn(socket, request())).toBe(`[http ${own} body]`);
    socket.destroy();
  });

  it.each([
    ["http", createServer],
    ["https", () => createHttps(pem)],
  ])("knows no address of a client on a unix socket: %s", async (scheme, create) => {
    // Were its peer "unix", it would be trusted.
    const edge = { trustedProxies: ["unix"] };
    await using bridge = await start(create(), fromHere, { host: { ...host, edge } });
    const raw = await connected(bridge.port, unixHeader);
    const socket = scheme === "http" ? raw : connectTls({ socket: raw, rejectUnauthorized: false });
    const asked = request("X-Forwarded-For: 192.0.2.1");
    expect(await answerOn(socket, asked)).toBe(`[${scheme}  undefined undefined body]`);
    socket.destroy();
  });

  it("is read on a unix socket", async () => {
    await using directory = await TemporaryDirectory.make();
    await using bridge = await Bridge.start(handler, { host });
    const options = { from: ["unix"], logger: false } as const;
    const server = bridge.host.attach(acceptProxyProtocol(createServer(), options));
    server.listen(directory.socketPath);
    await once(server, "listening");
    const socket = connect(directory.socketPath);
    socket.write(Buffer.concat([sixHeader, request()]));
    expect(await answerOn(socket)).toBe(`[http ${six}]`);
    socket.destroy();
    server.close();
  });

  it("is not read from anybody else", async () => {
    await using bridge = await start(createServer(), { from: ["10.0.0.0/8", "unix"] });
    using plain = await RawClient.connect(bridge.port);
    plain.socket.write(request());
    expect(await plain.take("]")).toContain(`[http 127.0.0.1:${plain.socket.localPort} `);
    using liar = await RawClient.connect(bridge.port);
    liar.socket.write(Buffer.concat([textHeader, request()]));
    await liar.take("HTTP/1.1 400 Bad Request");
    await liar.hostEnded();
  });

  it.each([
    ["is missing", request()],
    ["of version 1 is malformed", Buffer.from("PROXY TCP4 203.0.113.7\r\n")],
    ["of version 2 has an unknown version or command", binaryHeader(0x31, 0x11)],
  ])("closes a connection whose header %s, with a line of the log", async (reason, bytes) => {
    const { logger, records } = logRecords();
    await using bridge = await start(createServer(), { from: ["127.0.0.1"], logger });
    using client = await RawClient.connect(bridge.port);
    client.socket.write(bytes);
    await client.hostEnded();
    expect(client.received).toBe("");
    expect(records).toMatchObject([
      { level: 40, peer: "127.0.0.1", msg: `a connection was closed: its PROXY header ${reason}` },
    ]);
    expect(bridge.host.plugins[0]?.outcomes).toEqual({});
  });

  it("closes a connection whose header breaks off", async () => {
    const { logger, records } = logRecords();
    await using bridge = await start(createServer(), { from: ["127.0.0.1"], logger });
    using client = await RawClient.connect(bridge.port);
    client.socket.end(textHeader.subarray(0, 30));
    await client.hostEnded();
    await until(() => records.length > 0, "the line");
    expect(records).toMatchObject([{ level: 40, reason: "breaks off" }]);
  });

  it("closes a connection whose header does not come in time", async () => {
    const { logger, records } = logRecords();
    const options = { from: ["127.0.0.1"], logger, headerMs: 20 };
    await using bridge = await start(createServer(), options);
    using client = await RawClient.connect(bridge.port);
    client.socket.write(textHeader.subarray(0, 30));
    await client.hostEnded();
    await until(() => records.length > 0, "the line");
    expect(records).toMatchObject([{ level: 40, reason: "has not come within 20 ms" }]);
  });

  it("says nothing of a connection that is closed before its first byte", async () => {
    const { logger, records } = logRecords();
    await using bridge = await start(createServer(), { from: ["127.0.0.1"], logger });
    using client = await RawClient.connect(bridge.port);
    client.socket.end();
    await client.closed();
    await until(() => records.length > 0, "the line");
    expect(records).toMatchObject([{ level: 20 }]);
  });

  it.each(["close", "closeAllConnections"] as const)(
    "keeps no connection that waits for its header over %s",
    async (method) => {
      const server = createServer();
      await using bridge = await start(server);
      const accepted = once(server, "connection");
      using client = await RawClient.connect(bridge.port);
      await accepted;
      server[method]();
      await client.hostEnded();
      expect(client.received).toBe("");
    },
  );

  it.each([
    [{ from: [] }, "acceptProxyProtocol.from: got an empty array, allowed is"],
    [{ from: ["balancer"] }, 'acceptProxyProtocol.from[0]: got "balancer", allowed is an IP'],
    [{}, "acceptProxyProtocol.from: got undefined, allowed is"],
    [{ from: ["unix"], headerMs: 0 }, "acceptProxyProtocol.headerMs: got 0, allowed is"],
    [
      { from: ["unix"], header: 1 },
      "acceptProxyProtocol.header: no such option (did you mean headerMs?); allowed",
    ],
  ])("refuses the options %j", (options, message) => {
    const server: Server = createServer();
    expect(() => acceptProxyProtocol(server, options as ProxyProtocolOptions)).toThrow(message);
    expect(acceptProxyProtocol(server, fromHere)).toBe(server);
    expect(() => acceptProxyProtocol(server, fromHere)).toThrow("reads the PROXY protocol already");
  });
});
