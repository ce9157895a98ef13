import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { connect, createServer as createNetServer, type Socket } from "node:net";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { TemporaryDirectory, until } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { peerOf, remoteAddressOf } from "../client/remote-address.js";
import type { EdgeOptions } from "../edge/edge-options.js";
import type { RequestClient } from "../edge/request-client.js";
import { fastPathOf } from "../fast-path/install.js";
import type { NodeRequest } from "../options/options.js";
import { Bridge } from "../test-rig/bridge.js";
import { connectHttp2, Http2Stream } from "../test-rig/http2-stream.js";
import { RawClient } from "../test-rig/raw-client.js";

/** A handler's style, and what it says of the client. */
const handlers: Readonly<Record<string, PluginHandler>> = {
  serveHTTP: {
    serveHTTP: ({ remoteAddress, scheme }, response) =>
      response.end(`[${scheme}://h.test ${remoteAddress}]`),
  },
  fetch: {
    fetch: (request, { remoteAddress }) =>
      new Response(`[${new URL(request.url).origin} ${remoteAddress}]`),
  },
  node: {
    node({ socket }, response) {
      const scheme = "encrypted" in socket && socket.encrypted === true ? "https" : "http";
      response.end(`[${scheme}://h.test ${socket.remoteAddress}:${socket.remotePort}]`);
    },
  },
};

const byProxy = ["X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https"];
const get = (...fields: readonly string[]) => [
  "GET /plugins/notes/ HTTP/1.1",
  "Host: h.test",
  ...fields,
  "",
  "",
];
const trusting: { readonly edge: EdgeOptions } = { edge: { trustedProxies: ["127.0.0.1"] } };

describe.each(Object.entries(handlers))("E8 a %s handler", (_style, handler) => {
  it.each([
    ["the fast path", []],
    ["Node", ["TE: trailers"]],
  ])("sees the client of a trusted proxy, by %s", async (reader, fields) => {
    await using bridge = await Bridge.start(handler, { host: trusting });
    using proxy = await RawClient.connect(bridge.port);
    proxy.send(...get(...byProxy, ...fields, "Forwarded: for=6.6.6.6;proto=http"));
    expect(await proxy.take("]")).toContain("[https://h.test 203.0.113.7:0]");
    expect(fastPathOf(bridge.server)?.served).toBe(reader === "Node" ? 0 : 1);
  });

  it("sees the client of a trusted proxy, over HTTP/2", async () => {
    const server = createHttp2Server();
    await using bridge = await Bridge.start(handler, { host: trusting, server });
    await using session = await connectHttp2(bridge.port);
    const stream = new Http2Stream(session, {
      ":path": "/plugins/notes/",
      ":authority": "h.test",
      "x-forwarded-for": "203.0.113.7",
      "x-forwarded-proto": "https",
    });
    await stream.closed();
    expect(stream.body).toBe("[https://h.test 203.0.113.7:0]");
  });

  it("sees the connection itself where nobody is trusted", async () => {
    await using bridge = await Bridge.start(handler);
    using stranger = await RawClient.connect(bridge.port);
    stranger.send(...get(...byProxy));
    const { localPort } = stranger.socket;
    expect(await stranger.take("]")).toContain(`[http://h.test 127.0.0.1:${localPort}]`);
  });
});

describe("E8 a unix socket", () => {
  it.each([
    [["unix"], "https 203.0.113.7:0"],
    [["127.0.0.1", "::1"], "http "],
  ])("counts as a trusted proxy with %j: %s", async (trustedProxies, wanted) => {
    await using directory = await TemporaryDirectory.make();
    const handler: PluginHandler = {
      serveHTTP: ({ remoteAddress, scheme }, response) =>
        response.end(`[${scheme} ${remoteAddress}]`),
    };
    await using bridge = await Bridge.start(handler, { host: { edge: { trustedProxies } } });
    const server = bridge.host.attach(createServer());
    server.listen(directory.socketPath);
    await once(server, "listening");
    for (const fields of [[], ["TE: trailers"]]) {
      const socket = connect(directory.socketPath);
      let received = "";
      socket.on("data", (chunk: Buffer) => {
        received += String(chunk);
      });
      socket.write(get(...byProxy, ...fields).join("\r\n"));
      // oxlint-disable-next-line no-await-in-loop
      await until(() => received.endsWith("]"), "the answer");
      expect(received).toContain(`[${wanted}]`);
      socket.destroy();
    }
    server.close();
    await once(server, "close");
  });

  it("is not taken for one when a TCP client has reset its connection", async () => {
    await using server = createNetServer({ pauseOnConnect: true });
    let accepted: Socket | undefined;
    server.on("connection", (socket) => {
      accepted = socket;
      socket.on("error", () => undefined);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const client = connect((server.address() as { port: number }).port, "127.0.0.1");
    await once(client, "connect");
    await until(() => accepted !== undefined, "the connection");
    client.write("GET / HTTP/1.1\r\n");
    client.resetAndDestroy();
    await once(client, "close");
    const socket = accepted as unknown as Socket;
    expect([socket.destroyed, remoteAddressOf(socket), peerOf(socket)]).toEqual([false, "", ""]);
    socket.destroy();
    expect(peerOf(socket)).toBe("");
  });
});

describe("P10 informational responses", () => {
  const handler: PluginHandler = {
    async serveHTTP(request, response) {
      await response.informational(103, [["link", "</a>"]]);
      await response.informational(102, []);
      await response.end(`[${await request.text()}]`);
    },
  };

  it.each([true, false])("go to clients where edge.informational is %j", async (informational) => {
    const server = createHttp2Server();
    const host = { edge: { informational } };
    await using http1 = await Bridge.start(handler, { host });
    await using http2 = await Bridge.start(handler, { host, server });
    for (const fields of [[], ["TE: trailers"]]) {
      // oxlint-disable-next-line no-await-in-loop
      using client = await RawClient.connect(http1.port);
      client.send(...get(...fields));
      // oxlint-disable-next-line no-await-in-loop
      const received = await client.take("[]");
      expect(received.match(/HTTP\/1\.1 1\d\d/g) ?? []).toEqual(
        informational ? ["HTTP/1.1 103", "HTTP/1.1 102"] : [],
      );
    }
    await using session = await connectHttp2(http2.port);
    const stream = new Http2Stream(session, { ":path": "/plugins/notes/" });
    await stream.closed();
    expect(stream.informational.map((head) => head[":status"])).toEqual(
      informational ? [103, 102] : [],
    );
  });

  it("still has the 100 that a client waits for", async () => {
    await using bridge = await Bridge.start(handler, { host: { edge: { informational: false } } });
    using client = await RawClient.connect(bridge.port);
    client.send(
      "POST /plugins/notes/ HTTP/1.1",
      "Host: a",
      "Content-Length: 1",
      "Expect: 100-continue",
      "",
      "",
    );
    await client.take("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("x");
    expect(await client.take("]")).toMatch(/^HTTP\/1\.1 200 .*\[x\]$/s);
  });
});

describe("E8 identity and context", () => {
  it("are told who the client is, as the plugin is", async () => {
    const handler: PluginHandler = {
      serveHTTP: ({ context, headers, remoteAddress, scheme }, response) =>
        response.end(
          `[${scheme} ${remoteAddress}|${headers.get("x-client")}|${context["client"]}]`,
        ),
    };
    const told = ({ scheme, remoteAddress, pluginId }: RequestClient) =>
      `${scheme} ${remoteAddress} ${pluginId}`;
    const host = {
      ...trusting,
      identity: (_request: NodeRequest, client: RequestClient) => ({ "x-client": told(client) }),
      context: ({ socket }: NodeRequest, client: RequestClient) => ({
        client: `${told(client)} by ${socket.remoteAddress}`,
      }),
    };
    await using bridge = await Bridge.start(handler, { host });
    const seen = "https 203.0.113.7:0";
    for (const fields of [[], ["TE: trailers"]]) {
      using proxy = await RawClient.connect(bridge.port);
      proxy.send(...get(...byProxy, ...fields));
      // oxlint-disable-next-line no-await-in-loop
      expect(await proxy.take("]")).toContain(`[${seen}|${seen} notes|${seen} notes by 127.0.0.1]`);
    }
  });
});
