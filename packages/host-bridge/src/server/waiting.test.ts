import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { connect as connectHttp2, createServer as createHttp2Server } from "node:http2";
import { type PluginHandler, type RunningPlugin, servePlugin } from "@servehttp/plugin-sdk";
import { TemporaryDirectory, until } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import type { NodeServer } from "../client/node-types.js";
import { createPluginHost } from "../create-plugin-host.js";
import type { SharedPluginOptions } from "../options/options.js";
import { RawClient } from "../test-rig/raw-client.js";
import type { AttachOptions } from "./attach.js";

/** A host whose plugin is not there yet. */
async function hostOf(
  options: SharedPluginOptions = {},
  server: NodeServer = createServer(),
  attach: AttachOptions = {},
) {
  const directory = await TemporaryDirectory.make();
  const address = `unix:${directory.at("plugin.sock")}`;
  const host = createPluginHost({
    logger: false,
    plugins: { notes: { url: address, ...options } },
  });
  await host.start();
  host.attach(server, attach).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const plugins: RunningPlugin[] = [];
  return {
    port,
    /** So many requests wait. */
    waiting: (count: number) =>
      until(() => host.plugins[0]?.waiting === count, `${count} requests wait`),
    get: () => fetch(`http://127.0.0.1:${port}/plugins/notes/`),
    /** The plugin comes up. */
    rise: async (handler: PluginHandler) => {
      plugins.push(await servePlugin(handler, { address, logger: silent, drainMs: 0 }));
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      (server as { closeAllConnections?: () => void }).closeAllConnections?.();
      await host.stop({ drainMs: 0 });
      await Promise.all(plugins.map((plugin) => plugin.close()));
      await directory[Symbol.asyncDispose]();
    },
  };
}

const silent = { warn(): void {}, error(): void {} };

/** Answers with the hash of what came. */
const hashing: PluginHandler = {
  async serveHTTP(request, response) {
    const hash = createHash("sha256");
    for await (const chunk of request.body) {
      hash.update(chunk);
    }
    await response.end(hash.digest("hex"));
  },
};

function hashOf(body: Buffer): string {
  return createHash("sha256").update(body).digest("hex");
}

describe("waiting for a plugin that starts (L8)", () => {
  it.each([
    ["on the fast path", {}],
    ["read by Node's parser", { fastPath: false }],
  ])("answers a GET %s once the plugin is ready", async (_name, attach) => {
    await using host = await hostOf({}, createServer(), attach);
    using client = await RawClient.connect(host.port);
    client.send("GET /plugins/notes/ HTTP/1.1", "Host: a", "", "");
    await host.waiting(1);
    expect(client.received).toBe("");
    await host.rise(hashing);
    expect(await client.take("\r\n\r\n")).toMatch(/^HTTP\/1\.1 200 /);
    client.send("GET /plugins/notes/ HTTP/1.1", "Host: a", "", "");
    expect(await client.take("\r\n\r\n")).toMatch(/HTTP\/1\.1 200 /);
  });

  it("holds an upload back, and passes every byte of it on", async () => {
    await using host = await hostOf();
    const body = randomBytes(1_000_000);
    const answered = fetch(`http://127.0.0.1:${host.port}/plugins/notes/`, {
      method: "POST",
      body,
    });
    await host.waiting(1);
    await host.rise(hashing);
    expect(await (await answered).text()).toBe(hashOf(body));
  });

  it("sends no 100 (Continue) before the plugin reads", async () => {
    await using host = await hostOf();
    const body = randomBytes(1_000);
    const headers = { expect: "100-continue", "content-length": body.length };
    const request = httpRequest({
      port: host.port,
      path: "/plugins/notes/",
      method: "POST",
      headers,
    });
    let continued = 0;
    request.on("continue", () => {
      continued += 1;
      request.end(body);
    });
    request.flushHeaders();
    await host.waiting(1);
    expect(continued).toBe(0);
    await host.rise(hashing);
    const [response] = (await once(request, "response")) as [AsyncIterable<Buffer>];
    const chunks: Buffer[] = [];
    for await (const chunk of response) {
      chunks.push(chunk);
    }
    expect([Buffer.concat(chunks).toString(), continued]).toEqual([hashOf(body), 1]);
  });

  it("answers an HTTP/2 request once the plugin is ready", async () => {
    await using host = await hostOf({}, createHttp2Server());
    const session = connectHttp2(`http://127.0.0.1:${host.port}`);
    const stream = session.request({ ":path": "/plugins/notes/" });
    const headers = once(stream, "response");
    await host.waiting(1);
    await host.rise(hashing);
    expect((await headers)[0]).toMatchObject({ ":status": 200 });
    session.destroy();
  });

  it("upgrades a connection once the plugin is ready", async () => {
    await using host = await hostOf();
    using client = await RawClient.connect(host.port);
    client.send(
      "GET /plugins/notes/ HTTP/1.1",
      "Host: a",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "",
      "first bytes",
    );
    await host.waiting(1);
    await host.rise({
      async serveHTTP(_request, response) {
        const { socket, head } = await response.hijack();
        socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
        socket.write(head);
        socket.pipe(socket);
      },
    });
    await client.take("first bytes");
    client.send("more");
    expect(await client.take("more")).toBe("more");
  });

  it.each([
    ["a request", ["GET /plugins/notes/ HTTP/1.1", "Host: a", "", ""]],
    [
      "an upgrade",
      [
        "GET /plugins/notes/ HTTP/1.1",
        "Host: a",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "",
        "",
      ],
    ],
  ])("gives the place of %s to another when its client leaves", async (_name, lines) => {
    await using host = await hostOf({ limits: { maxWaiting: 1 } });
    const first = await RawClient.connect(host.port);
    first.send(...lines);
    await host.waiting(1);
    expect((await host.get()).status).toBe(503);
    first.socket.destroy();
    await host.waiting(0);
    const second = host.get();
    await host.waiting(1);
    await host.rise(hashing);
    expect((await second).status).toBe(200);
  });

  it.each([
    ["of which little has come", 10],
    ["of which more has come than Node reads by itself", 200_000],
  ])(
    "gives the place of an upload to another when its client leaves: one %s",
    async (_name, bytes) => {
      await using host = await hostOf({ limits: { maxWaiting: 1 } });
      const client = await RawClient.connect(host.port);
      client.send("POST /plugins/notes/ HTTP/1.1", "Host: a", "Content-Length: 1000000", "", "");
      client.socket.write(randomBytes(bytes));
      await host.waiting(1);
      client.socket.end();
      await host.waiting(0);
      const second = host.get();
      await host.waiting(1);
      await host.rise(hashing);
      expect((await second).status).toBe(200);
    },
  );

  it("refuses an upload that it has held, and the connection goes on", async () => {
    await using host = await hostOf({ timeouts: { waitMs: 100 } });
    using client = await RawClient.connect(host.port);
    client.send("POST /plugins/notes/ HTTP/1.1", "Host: a", "Content-Length: 100000", "", "");
    client.socket.write(randomBytes(50_000));
    expect(await client.take("\r\n\r\n")).toMatch(/^HTTP\/1\.1 503 /);
    client.socket.write(randomBytes(50_000));
    client.send("GET /plugins/none/ HTTP/1.1", "Host: a", "", "");
    expect(await client.take("\r\n\r\n")).toMatch(/HTTP\/1\.1 404 /);
  });

  it.each([
    ["less than is read ahead", 100_000],
    ["more than is read ahead", 1_000_000],
  ])("passes on every byte of a chunked upload, of %s, with its trailers", async (_name, bytes) => {
    await using host = await hostOf();
    const body = randomBytes(bytes);
    const request = httpRequest({ port: host.port, path: "/plugins/notes/", method: "POST" });
    request.setHeader("trailer", "x-sum");
    request.addTrailers({ "x-sum": "7" });
    request.end(body);
    await host.waiting(1);
    await host.rise({
      async serveHTTP({ body: chunks, trailers }, response) {
        const hash = createHash("sha256");
        for await (const chunk of chunks) {
          hash.update(chunk);
        }
        await response.end(`${hash.digest("hex")} ${(await trailers).get("x-sum")}`);
      },
    });
    const [response] = (await once(request, "response")) as [NodeJS.ReadableStream];
    let text = "";
    for await (const chunk of response) {
      text += String(chunk);
    }
    expect(text).toBe(`${hashOf(body)} 7`);
  });

  it("answers 503 when the time to wait is over", async () => {
    await using host = await hostOf({ timeouts: { waitMs: 1 } });
    const response = await host.get();
    expect([response.status, response.headers.get("proxy-status")]).toEqual([
      503,
      "servehttp; error=destination_unavailable",
    ]);
    expect(response.headers.get("retry-after")).toMatch(/^\d+$/);
  });

  it("lets nobody wait where the host says so", async () => {
    await using host = await hostOf({ limits: { maxWaiting: 0 } });
    const response = await host.get();
    expect(response.status).toBe(503);
  });
});
