import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, request as requestOver } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { Carrier, PluginService } from "@servehttp/contract/services";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { until } from "@servehttp/testkit";
import { expect, it } from "vitest";
import { createPluginHost } from "../create-plugin-host.js";
import { Bridge } from "../test-rig/bridge.js";

const echo: PluginHandler = {
  async serveHTTP(request, response) {
    response.headers.set("x-url", request.url);
    for await (const chunk of request.body) {
      await response.write(chunk);
    }
  },
};

const start = (handler: PluginHandler) =>
  Bridge.start(handler, { plugin: { protocol: "connect" } });

const urlOf = ({ port }: Bridge, path = "") => `http://127.0.0.1:${port}/plugins/notes${path}`;

it("carries requests and responses, on stream", async () => {
  await using bridge = await start(echo);
  expect(bridge.host.plugins).toMatchObject([{ state: "ready", carrier: "stream" }]);
  const got = await fetch(urlOf(bridge, "/a?b"));
  expect([got.status, got.headers.get("x-url"), await got.text()]).toEqual([200, "/a?b", ""]);
  const body = randomBytes(3_000_001);
  const posted = await fetch(urlOf(bridge), { method: "POST", body });
  const hash = createHash("sha256").update(new Uint8Array(await posted.arrayBuffer()));
  expect(hash.digest("hex")).toBe(createHash("sha256").update(body).digest("hex"));
  await until(() => bridge.inFlight === 0, "no exchange");
});

it("echoes while the request goes on (D1)", async () => {
  await using bridge = await start(echo);
  const request = requestOver(urlOf(bridge), { method: "POST" });
  request.write("0;");
  const [response] = await once(request, "response");
  let text = "";
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    text += chunk;
  });
  for (let i = 1; i < 20; i += 1) {
    request.write(`${i};`);
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await until(() => text.endsWith(`;${i};`), "the echo");
  }
  request.end();
  await once(response, "end");
  expect(response.complete).toBe(true);
});

it("answers 500 where the handler fails, without its words (F1)", async () => {
  await using bridge = await start({ serveHTTP: () => Promise.reject(new Error("a secret")) });
  const response = await fetch(urlOf(bridge));
  expect([response.status, (await response.text()).includes("secret")]).toEqual([500, false]);
});

it("breaks the transfer where the handler fails after the head (F1)", async () => {
  await using bridge = await start({
    async serveHTTP(_request, response) {
      await response.write("begin");
      await response.flush();
      throw new Error("late");
    },
  });
  const response = await fetch(urlOf(bridge));
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow("terminated");
});

it("tells the handler that the client has left (D3)", async () => {
  const reason = Promise.withResolvers<unknown>();
  await using bridge = await start({
    async serveHTTP(request, response) {
      request.signal.addEventListener("abort", () => reason.resolve(request.signal.reason));
      await response.flush();
      await new Promise(() => undefined);
    },
  });
  const leaving = new AbortController();
  await fetch(urlOf(bridge), { signal: leaving.signal });
  leaving.abort();
  expect(await reason.promise).toMatchObject({ code: "client-disconnected" });
  await until(() => bridge.inFlight === 0, "no exchange");
});

it("breaks an upload that was cut off (Q7)", async () => {
  const thrown = Promise.withResolvers<unknown>();
  await using bridge = await start({
    async serveHTTP(request) {
      await request.bytes().catch(thrown.resolve);
    },
  });
  const request = requestOver(urlOf(bridge), { method: "POST" });
  request.on("error", () => undefined);
  request.write("begin");
  await until(() => bridge.inFlight === 1, "the exchange");
  request.destroy();
  expect(await thrown.promise).toMatchObject({ code: "client-disconnected" });
});

it("answers early and leaves nothing open (D2)", async () => {
  await using bridge = await start({
    async serveHTTP(_request, response) {
      response.writeHead(413);
      await response.end("too large");
    },
  });
  for (let i = 0; i < 30; i += 1) {
    const request = requestOver(urlOf(bridge), { method: "POST" });
    request.on("error", () => undefined);
    request.write("x");
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const [response] = await once(request, "response");
    expect(response.statusCode).toBe(413);
    request.destroy();
  }
  await until(() => bridge.inFlight === 0 && bridge.plugin.inFlight === 0, "no exchange");
});

it("carries tunnels, each way to its end (T6)", async () => {
  await using bridge = await start({
    async serveHTTP(_request, response) {
      const { socket } = await response.hijack();
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      );
      socket.pipe(socket);
    },
  });
  const client = connect(bridge.port, "127.0.0.1");
  client.write(
    "GET /plugins/notes/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  );
  await once(client, "data");
  client.end("through the tunnel");
  let text = "";
  for await (const chunk of client) {
    text += String(chunk);
  }
  expect(text).toBe("through the tunnel");
  await until(() => bridge.inFlight === 0, "no exchange");
});

it("answers 502 or breaks what runs where the plugin goes (F2)", async () => {
  await using bridge = await start({ serveHTTP: () => new Promise(() => undefined) });
  const response = fetch(urlOf(bridge));
  await until(() => bridge.inFlight === 1, "the exchange");
  await bridge.plugin.close();
  expect([502, 503]).toContain((await response).status);
});

it("reaches a plugin whose server speaks nothing but Connect", async () => {
  const server = createHttp2Server(
    connectNodeAdapter({
      grpc: false,
      grpcWeb: false,
      routes: (router) =>
        router.service(PluginService, {
          describe: () => ({ contractVersion: 1, servesHttp: true, carriers: [Carrier.STREAM] }),
          async *serveHTTP(requests) {
            for await (const { init, end } of requests) {
              if (init !== undefined) {
                yield { init: { status: 200 }, chunk: Buffer.from(`hello from ${init.url}`) };
              }
              if (end !== undefined) {
                yield { end: {} };
              }
            }
          },
        }),
    }),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const host = createPluginHost({
    logger: false,
    plugins: { notes: { url: `http://127.0.0.1:${port}`, protocol: "connect" } },
  });
  await host.start();
  const front = host.attach(createServer()).listen(0, "127.0.0.1");
  try {
    await once(front, "listening");
    const address = front.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${address.port}/plugins/notes/x`);
    expect(await response.text()).toBe("hello from /x");
  } finally {
    front.closeAllConnections();
    front.close();
    await host.stop({ drainMs: 0 });
    server.close();
  }
});
