import { once } from "node:events";
import { createServer } from "node:http";
import { plainEnd } from "@servehttp/contract";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { until } from "@servehttp/testkit";
import { describe, expect, it } from "vitest";
import { byRequest } from "../client/incoming-request.js";
import type { HostResponse } from "../client/node-types.js";
import { createPluginHost } from "../create-plugin-host.js";
import { fastPathOf } from "../fast-path/install.js";
import { ServeHTTPError } from "../index.js";
import { NodeIncomingRequest } from "../node/request.js";
import { Bridge, type BridgeOptions } from "../test-rig/bridge.js";
import { connectHttp2, Http2Stream } from "../test-rig/http2-stream.js";
import { logRecords } from "../test-rig/log-records.js";
import { MemoryExchange } from "../test-rig/memory-exchange.js";
import { nodeRequest } from "../test-rig/node-request.js";
import { RawClient } from "../test-rig/raw-client.js";
import type { ObservedRequest, RequestObserver } from "./request-observer.js";
import { RequestObservers } from "./request-observers.js";

/** Notes what happens to requests, in order, and keeps those that are over. */
function watcher() {
  const events: string[] = [];
  const over: ObservedRequest[] = [];
  const note = (event: string) => () => void events.push(event);
  const observer: RequestObserver = {
    began: note("began"),
    waiting: note("waiting"),
    sent: note("sent"),
    givenBack: note("givenBack"),
    head: note("head"),
    bodyBegan: note("bodyBegan"),
    becameTunnel: note("becameTunnel"),
    over: (request) => {
      events.push("over");
      over.push(request);
    },
  };
  const end = async (): Promise<ObservedRequest> => {
    await until(() => over.length > 0, "the end of a request");
    return over.shift() as ObservedRequest;
  };
  return { events, observer, end };
}

const handler: PluginHandler = {
  async serveHTTP(request, response) {
    switch (request.url.split("?")[0]) {
      case "/echo":
        for await (const chunk of request.body) {
          await response.write(chunk);
        }
        return;
      case "/throw":
        throw new Error("the handler is at fault");
      case "/break":
        for await (const chunk of request.body) {
          if (response.committed) {
            throw new Error("the handler is at fault");
          }
          await response.write(chunk);
          await response.flush();
        }
        return;
      case "/wait":
        await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
        return;
      case "/tunnel": {
        const { socket } = await response.hijack();
        socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
        socket.on("data", (chunk) => socket.end(chunk));
        return;
      }
      default:
        await response.end("hello");
    }
  },
};

async function watched(options: BridgeOptions = {}) {
  const bridge = await Bridge.start(handler, options);
  const watch = watcher();
  bridge.host.observe(watch.observer);
  return { bridge, ...watch };
}

/** Sends the lines of a request, and waits for some of the answer. */
async function send(port: number, awaited: string, ...lines: readonly string[]): Promise<string> {
  using client = await RawClient.connect(port);
  client.send(...lines, "", "");
  return await client.take(awaited);
}

describe("observers of requests", () => {
  it.each([
    ["the fast path", true],
    ["Node's parser", false],
  ])("see a request by %s from its beginning to its end", async (_by, fastPath) => {
    const server = createServer();
    const { bridge, events, end } = await watched({
      server,
      attach: false,
      wire: (one, host) => void host.attach(one, { fastPath }),
      host: { edge: { strip: { queryParameters: ["token"] } } },
    });
    await using _ = bridge;
    const target = "/plugins/notes/a%2Fb?token=secret&q=1";
    await send(bridge.port, "hello", `GET ${target} HTTP/1.1`, "Host: a.test", "User-Agent: me");
    expect(fastPathOf(server)?.served ?? 0).toBe(fastPath ? 1 : 0);
    const seen = await end();
    expect(seen).toMatchObject({
      pluginId: "notes",
      requestId: expect.stringMatching(/./),
      method: "GET",
      target: "/plugins/notes/a%2Fb?q=1",
      scheme: "http",
      host: "a.test",
      clientAddress: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      httpVersion: "1.1",
      calledBy: undefined,
      waitedMs: 0,
      timesGivenBack: 0,
      status: 200,
      requestBytes: 0,
      responseBytes: 5,
      isTunnel: false,
      outcome: "ok",
      error: undefined,
    });
    expect(seen.field("user-agent")).toBe("me");
    expect(seen.headMs).toBeLessThanOrEqual(seen.totalMs ?? -1);
    expect(events).toEqual(["began", "sent", "head", "bodyBegan", "over"]);
  });

  it("count the bytes of bodies both ways, and none of those that a client doesn't get", async () => {
    const { bridge, end } = await watched();
    await using _ = bridge;
    const url = `http://127.0.0.1:${bridge.port}/plugins/notes`;
    const body = new Uint8Array(200_000);
    expect((await (await fetch(`${url}/echo`, { method: "POST", body })).bytes()).length).toBe(
      200_000,
    );
    expect(await end()).toMatchObject({ requestBytes: 200_000, responseBytes: 200_000 });
    await fetch(`${url}/`, { method: "HEAD" });
    expect(await end()).toMatchObject({ status: 200, responseBytes: 0, outcome: "ok" });
  });

  it("see requests of HTTP/2", async () => {
    const { createServer: createHttp2Server } = await import("node:http2");
    const { bridge, end } = await watched({ server: createHttp2Server() });
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const head = { ":scheme": "http", ":authority": "b.test", ":path": "/plugins/notes/" };
    const stream = new Http2Stream(session, head, true);
    await until(() => stream.response !== undefined, "an answer");
    expect(await end()).toMatchObject({ httpVersion: "2", host: "b.test", responseBytes: 5 });
  });

  it("see tunnels until they are closed, with the bytes both ways", async () => {
    const { bridge, events, end } = await watched();
    await using _ = bridge;
    using client = await RawClient.connect(bridge.port);
    client.send("GET /plugins/notes/tunnel HTTP/1.1", "Host: a", "Connection: Upgrade");
    client.send("", "Upgrade: x", "", "");
    await client.take("\r\n\r\n");
    client.send("ping");
    await client.take("ping");
    client.socket.end();
    const head = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
    expect(await end()).toMatchObject({
      isTunnel: true,
      status: 101,
      requestBytes: 4,
      responseBytes: head.length + 4,
      outcome: "ok",
    });
    expect(events).toEqual(["began", "sent", "becameTunnel", "over"]);
  });

  it("see what failed, before the head and behind it", async () => {
    const { bridge, end, events } = await watched();
    await using _ = bridge;
    await send(bridge.port, "\r\n\r\n", "GET /plugins/notes/throw HTTP/1.1", "Host: a");
    expect(await end()).toMatchObject({
      status: 500,
      outcome: "plugin-error",
      error: { code: "handler-failed" },
      responseBytes: "The plugin failed.\n".length,
    });
    events.length = 0;
    using client = await RawClient.connect(bridge.port);
    client.send("POST /plugins/notes/break HTTP/1.1", "Host: a", "Content-Length: 20", "", "");
    client.send("half of it");
    await client.take("half of it");
    client.send("the other.");
    expect(await end()).toMatchObject({ status: 200, outcome: "plugin-error", responseBytes: 10 });
    expect(events).toEqual(["began", "sent", "head", "bodyBegan", "over"]);
  });

  it("see that the client has left, and no status that it never got", async () => {
    const { bridge, end } = await watched();
    await using _ = bridge;
    const client = await RawClient.connect(bridge.port);
    client.send("GET /plugins/notes/wait HTTP/1.1", "Host: a", "", "");
    await until(() => bridge.inFlight === 1, "the request is with the plugin");
    client.socket.destroy();
    expect(await end()).toMatchObject({ status: undefined, outcome: "client-disconnected" });
  });

  it("can break a request off", async () => {
    const { bridge, end } = await watched();
    await using _ = bridge;
    const begun: ObservedRequest[] = [];
    bridge.host.observe({ sent: (request) => void begun.push(request) });
    using client = await RawClient.connect(bridge.port);
    client.send("GET /plugins/notes/wait HTTP/1.1", "Host: a", "", "");
    await until(() => bridge.inFlight === 1, "the request is with the plugin");
    begun[0]?.stop(new ServeHTTPError("host-stopping", "somebody has broken it off"));
    expect(await client.take("\r\n\r\n")).toMatch(/^HTTP\/1\.1 503 /);
    expect(await end()).toMatchObject({ status: 503, outcome: "host-stopping" });
    begun[0]?.stop(new ServeHTTPError("host-stopping", "again"));
  });

  it.each<[string, string, Partial<ObservedRequest>]>([
    ["an unknown plugin", "/plugins/stranger/", { pluginId: undefined, status: 404 }],
    ["nothing of the host's", "/elsewhere?a", { pluginId: undefined, target: "/elsewhere?a" }],
    ["a malformed path", "/plugins/no!/", { pluginId: undefined, outcome: "bad-request" }],
  ])("see a request for %s that the host answers", async (_what, target, expected) => {
    const { bridge, events, end } = await watched();
    await using _ = bridge;
    await send(bridge.port, "\r\n\r\n", `GET ${target} HTTP/1.1`, "Host: a");
    expect(await end()).toMatchObject({
      outcome: "answered-by-host",
      requestId: undefined,
      responseBytes: "Not found.\n".length,
      status: 404,
      ...expected,
    });
    expect(events).toEqual(["began", "head", "bodyBegan", "over"]);
  });

  it("see a request that the edge refuses, once", async () => {
    const { bridge, events, end } = await watched();
    await using _ = bridge;
    await send(bridge.port, "\r\n\r\n", "GET /plugins/notes/ HTTP/1.1", "Host: a/b");
    expect(await end()).toMatchObject({ pluginId: "notes", status: 400, outcome: "bad-request" });
    expect(events.filter((event) => event === "began")).toHaveLength(1);
  });

  it("see what the host's own functions make of a request", async () => {
    const { bridge, end } = await watched({
      host: {
        identity: ({ url = "" }) => {
          if (url.endsWith("/fault")) {
            throw new Error("the directory is down");
          }
          return new Response("who are you", { status: 401 });
        },
      },
    });
    await using _ = bridge;
    await send(bridge.port, "who are you", "GET /plugins/notes/ HTTP/1.1", "Host: a");
    expect(await end()).toMatchObject({
      pluginId: "notes",
      status: 401,
      outcome: "answered-by-host",
      responseBytes: 11,
    });
    await send(bridge.port, "\r\n\r\n", "GET /plugins/notes/fault HTTP/1.1", "Host: a");
    expect(await end()).toMatchObject({ status: 500, outcome: "host-error" });
  });

  it("see how long a request waits, and its end where the client does not", async () => {
    const { bridge, events, end } = await watched({ host: { timeouts: { waitMs: 60_000 } } });
    await using _ = bridge;
    await bridge.plugin.close();
    await until(() => bridge.host.plugins[0]?.state !== "ready", "the plugin is gone");
    const client = await RawClient.connect(bridge.port);
    client.send("GET /plugins/notes/ HTTP/1.1", "Host: a", "", "");
    await until(() => bridge.host.plugins[0]?.waiting === 1, "the request waits");
    client.socket.destroy();
    const seen = await end();
    expect(seen).toMatchObject({ status: undefined, outcome: "client-disconnected" });
    expect(seen.waitedMs).toBeGreaterThan(0);
    expect(events).toEqual(["began", "waiting", "over"]);
  });

  it("see that a process has given a request back, and another one has got it", async () => {
    const { events, observer, end } = watcher();
    const observers = new RequestObservers(() => undefined);
    observers.add(observer);
    const message = nodeRequest();
    const request = new NodeIncomingRequest(message, {} as HostResponse, byRequest);
    const observed = observers.begin(request, "/plugins/notes/", "notes");
    const one = new MemoryExchange({ ...(observed !== undefined && { observed }) });
    one.exchange.abort(new ServeHTTPError("plugin-closing", "it goes"), [...one.channel.sent]);
    one.goOn?.(one.plugin);
    void one.exchange.receive({ init: { status: 200, headers: [] }, end: plainEnd });
    expect(await end()).toMatchObject({ timesGivenBack: 1, outcome: "ok" });
    expect(events).toEqual(["began", "sent", "givenBack", "waiting", "sent", "head", "over"]);
  });

  it("see a plugin that is a handler in the host's process", async () => {
    const { logger } = logRecords();
    const host = createPluginHost({
      logger,
      plugins: {
        own: {
          handler: (request, response) => {
            if (request.url?.endsWith("fault") === true) {
              throw new Error("a fault");
            }
            response.statusCode = 202;
            response.end("own");
          },
        },
      },
    });
    const { observer, end } = watcher();
    const stop = host.observe(observer);
    const server = host.attach(createServer());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    await send(port, "own", "GET /plugins/own/ HTTP/1.1", "Host: a");
    expect(await end()).toMatchObject({ pluginId: "own", status: 202, outcome: "ok" });
    await send(port, "\r\n\r\n", "GET /plugins/own/fault HTTP/1.1", "Host: a");
    expect(await end()).toMatchObject({ status: 500, outcome: "plugin-error" });
    stop();
    server.close();
    server.closeAllConnections();
  });

  it("change nothing by what they throw, and see nothing once they are taken away", async () => {
    const { logger, records } = logRecords();
    const { bridge, events, end } = await watched({ host: { logger } });
    await using _ = bridge;
    const stop = bridge.host.observe({
      began: () => {
        throw new Error("an observer is at fault");
      },
    });
    const ask = () => send(bridge.port, "hello", "GET /plugins/notes/ HTTP/1.1", "Host: a");
    await ask();
    expect(await end()).toMatchObject({ status: 200 });
    const faults = () => records.filter(({ level }) => level === 50);
    expect(faults()).toMatchObject([{ msg: "an observer of requests threw in began" }]);
    stop();
    await ask();
    await end();
    expect(faults()).toHaveLength(1);
    expect(events.filter((event) => event === "over")).toHaveLength(2);
  });
});
