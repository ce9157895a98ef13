import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, IncomingMessage, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it, vi } from "vitest";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { certificate, turns, until } from "@servehttp/testkit";
import { fastPathOf } from "./install.js";
import { Bridge } from "../test-rig/bridge.js";
import { RawClient } from "../test-rig/raw-client.js";

const host = "Host: a";
const get = (path: string, ...fields: readonly string[]) =>
  [`GET /plugins/notes/${path} HTTP/1.1`, host, ...fields, "", ""].join("\r\n");
const post = (path: string, bytes: number) =>
  [`POST /plugins/notes/${path} HTTP/1.1`, host, `Content-Length: ${bytes}`, "", ""].join("\r\n");

/** Answers with the url, or as the url says. */
const plugin: PluginHandler = {
  async serveHTTP(request, response) {
    switch (request.url) {
      case "/hash": {
        const hash = createHash("sha256");
        for await (const chunk of request.body) {
          hash.update(chunk);
        }
        await response.end(`<${hash.digest("hex")}>`);
        return;
      }
      case "/echo":
        for await (const chunk of request.body) {
          await response.write(chunk);
        }
        return;
      case "/hangs":
        await new Promise(() => undefined);
        return;
      case "/streams":
        await response.write("first");
        await new Promise(() => undefined);
        return;
      case "/raw": {
        const { socket } = await response.hijack();
        socket.on("error", () => undefined);
        socket.write("raw\n\n");
        socket.pipe(socket);
        return;
      }
      default:
        await response.end(`<${request.url}>`);
    }
  },
};

function served(bridge: Bridge): number | undefined {
  return fastPathOf(bridge.server)?.served;
}

/** A connection that the fast path has served a request on. */
async function onFastPath(bridge: Bridge, secure = false): Promise<RawClient> {
  const client = await RawClient.connect(bridge.port, secure);
  const before = served(bridge) ?? 0;
  client.send(get("0"));
  await client.take("</0>");
  expect(served(bridge)).toBe(before + 1);
  return client;
}

describe.each<[string, boolean, () => Server]>([
  ["http", false, () => createServer()],
  ["https", true, () => createHttps(certificate())],
])("the fast path of a server of %s", (_kind, secure, makeServer) => {
  it("serves one plain request after the other", async () => {
    await using bridge = await Bridge.start(plugin, { server: makeServer() });
    using client = await onFastPath(bridge, secure);
    for (let round = 1; round < 50; round++) {
      client.send(get(String(round)));
      expect(await client.take(`</${round}>`)).toMatch(
        /^HTTP\/1\.1 200 OK\r\nContent-Length: \d+\r\nDate: .* GMT\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5\r\n\r\n</,
      );
    }
    expect(served(bridge)).toBe(50);
  });

  it.each([0, 1, 65_535, 65_536, 65_537, 1_048_576])(
    "carries bodies of %i bytes both ways",
    async (bytes) => {
      await using bridge = await Bridge.start(plugin, { server: makeServer() });
      using client = await onFastPath(bridge, secure);
      const body = randomBytes(bytes);
      const sha256 = createHash("sha256").update(body).digest("hex");
      client.send(post("hash", bytes));
      client.socket.write(body);
      await client.take(`<${sha256}>`);
      client.send(post("echo", bytes));
      client.socket.write(body);
      const response = await takeResponse(client);
      expect(createHash("sha256").update(response).digest("hex")).toBe(sha256);
      client.send(get("marker"));
      await client.take("</marker>");
      expect(served(bridge)).toBe(4);
    },
  );

  it("hands a plain request's connection to the plugin that takes it over", async () => {
    await using bridge = await Bridge.start(plugin, { server: makeServer() });
    using client = await onFastPath(bridge, secure);
    client.send(get("raw"));
    expect(await client.take("raw\n\n")).toBe("raw\n\n");
    const bytes = randomBytes(200_000);
    client.socket.write(bytes);
    await until(() => client.received.length === bytes.length, "all of the echo");
    expect(client.received === bytes.toString("latin1")).toBe(true);
    client.socket.end();
    await until(() => client.ended && bridge.inFlight === 0, "nothing is left");
    expect(served(bridge)).toBe(2);
    expect(bridge.host.plugins[0]?.outcomes).toEqual({ ok: 2 });
  });

  it("gives a connection to Node with the first request that is not plain", async () => {
    await using bridge = await Bridge.start(plugin, { server: makeServer() });
    using client = await onFastPath(bridge, secure);
    client.send(get("1", "TE: trailers"));
    await client.take("</1>");
    client.send(get("2"));
    await client.take("</2>");
    expect(served(bridge)).toBe(1);
  });
});

/** The bytes of a response's body, by whichever framing. */
async function takeResponse(client: RawClient): Promise<Buffer> {
  const head = await client.take("\r\n\r\n");
  const length = /^Content-Length: (\d+)\r$/im.exec(head)?.[1];
  if (length !== undefined) {
    return takeBytes(client, Number(length));
  }
  const chunks: Buffer[] = [];
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop
    const bytes = Number.parseInt(await client.take("\r\n"), 16);
    // oxlint-disable-next-line no-await-in-loop
    const chunk = await takeBytes(client, bytes + 2);
    if (bytes === 0) {
      return Buffer.concat(chunks);
    }
    chunks.push(chunk.subarray(0, bytes));
  }
}

async function takeBytes(client: RawClient, bytes: number): Promise<Buffer> {
  await until(() => client.received.length >= bytes, `${bytes} bytes from the host`);
  const taken = Buffer.from(client.received.slice(0, bytes), "latin1");
  client.received = client.received.slice(bytes);
  return taken;
}

describe("the fast path gives to Node", () => {
  it.each<[string, (client: RawClient) => Promise<void>, string[]]>([
    [
      "a first request that is not plain",
      async (client) => client.send(get("1", "TE: x")),
      ["</1>"],
    ],
    [
      "a head that comes in two reads",
      async (client) => {
        client.send(get("1").slice(0, 30));
        await turns(5);
        client.send(get("1").slice(30));
      },
      ["</1>"],
    ],
    [
      "a head that comes byte for byte",
      async (client) => {
        for (const byte of get("1")) {
          client.send(byte);
          // oxlint-disable-next-line no-await-in-loop
          await turns(1);
        }
      },
      ["</1>"],
    ],
    ["pipelined requests", async (client) => client.send(get("1") + get("2")), ["</1>", "</2>"]],
    [
      "a plain request with one behind it that is not",
      async (client) => client.send(get("1") + get("2", "TE: x")),
      ["</1>", "</2>"],
    ],
  ])("%s", async (_what, send, answers) => {
    await using bridge = await Bridge.start(plugin);
    using client = await RawClient.connect(bridge.port);
    await send(client);
    for (const answer of answers) {
      // oxlint-disable-next-line no-await-in-loop
      await client.take(answer);
    }
    expect(client.received).toBe("");
  });

  it("what comes behind a body, once that is answered", async () => {
    await using bridge = await Bridge.start(plugin);
    using client = await onFastPath(bridge);
    const body = randomBytes(300_000);
    client.send(post("hash", body.length));
    client.socket.write(body);
    client.send(get("1") + get("2", "TE: x") + get("3"));
    await client.take(`<${createHash("sha256").update(body).digest("hex")}>`);
    await client.take("</1>");
    await client.take("</2>");
    await client.take("</3>");
    expect(client.received).toBe("");
  });

  it("junk behind a body", async () => {
    await using bridge = await Bridge.start(plugin);
    using client = await onFastPath(bridge);
    const body = randomBytes(300_000);
    client.send(post("hash", body.length));
    client.socket.write(body);
    client.send("junk\r\n\r\n");
    await client.take(`<${createHash("sha256").update(body).digest("hex")}>`);
    expect(await client.take("Connection: close\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 400 Bad Request\r\n/,
    );
    await ended(client);
  });

  it("a connection that stays silent, so that Node's times begin", async () => {
    await using bridge = await Bridge.start(plugin, {
      server: createServer({ keepAliveTimeout: 100 }),
    });
    using client = await RawClient.connect(bridge.port);
    await until(() => fastPathOf(bridge.server)?.size === 0, "the fast path has let it go");
    client.send(get("1"));
    await client.take("</1>");
    expect(served(bridge)).toBe(0);
  });

  it.each<[string, (server: Server) => () => void]>([
    [
      "somebody else who listens to requests",
      (server) => {
        server.on("request", ignore);
        return () => server.off("request", ignore);
      },
    ],
    [
      "a patched emit",
      (server) => {
        const emit = server.emit.bind(server);
        server.emit = ((...all: Parameters<typeof emit>) => emit(...all)) as typeof emit;
        return () => Reflect.deleteProperty(server, "emit");
      },
    ],
    [
      "a subscriber to the diagnostics of requests",
      () => {
        subscribe("http.server.request.start", ignore);
        return () => unsubscribe("http.server.request.start", ignore);
      },
    ],
    ["a time for idle sockets", (server) => (server.setTimeout(60_000), () => undefined)],
    [
      "a number of requests a socket",
      (server) => ((server.maxRequestsPerSocket = 9), () => undefined),
    ],
    [
      "somebody who watches connections",
      (server) => (server.on("connection", ignore), () => undefined),
    ],
    [
      "half-open connections",
      (server) => (Object.assign(server, { httpAllowHalfOpen: true }), () => undefined),
    ],
  ])("everything where there is %s", async (_what, arrange) => {
    const server = createServer();
    await using bridge = await Bridge.start(plugin, { server });
    const takeBack = arrange(server);
    using client = await RawClient.connect(bridge.port);
    client.send(get("1"));
    await client.take("</1>");
    takeBack();
    expect(served(bridge)).toBe(0);
  });

  it("the next request once somebody listens", async () => {
    await using bridge = await Bridge.start(plugin);
    using client = await onFastPath(bridge);
    const urls: (string | undefined)[] = [];
    (bridge.server as Server).on("request", (request) => urls.push(request.url));
    client.send(get("1"));
    await client.take("</1>");
    expect(urls).toEqual(["/plugins/notes/1"]);
  });

  it("everything of a server with messages of its own, and where it is switched off", async () => {
    class Message extends IncomingMessage {}
    await using own = await Bridge.start(plugin, {
      server: createServer({ IncomingMessage: Message }),
    });
    expect(fastPathOf(own.server)).toBeUndefined();
    await using off = await Bridge.start(plugin, {
      attach: false,
      wire: (server, one) => void one.attach(server, { fastPath: false }),
    });
    expect(fastPathOf(off.server)).toBeUndefined();
    await using last = await Bridge.start(plugin, {
      attach: false,
      wire: (server, one) => void one.attach(server, { requests: false }),
    });
    expect(fastPathOf(last.server)).toBeUndefined();
  });
});

/** Resolves when the host has ended its way. */
async function ended(client: RawClient): Promise<void> {
  await until(() => client.ended || client.socket.destroyed, "the host ends the connection");
}

function ignore(): void {
  // Only its being there matters.
}

describe("the fast path", () => {
  it("closes connections that are idle for long enough", async () => {
    const server = createServer({ keepAliveTimeout: 50 });
    Object.assign(server, { keepAliveTimeoutBuffer: 50 });
    await using bridge = await Bridge.start(plugin, { server });
    using client = await onFastPath(bridge);
    await ended(client);
    await until(() => fastPathOf(server)?.size === 0, "the fast path has forgotten it");
    expect(client.failure).toBeUndefined();
  });

  it("answers 408 to a body that does not come", async () => {
    const server = createServer({ requestTimeout: 100 });
    await using bridge = await Bridge.start(plugin, { server });
    using client = await onFastPath(bridge);
    client.send(`${post("hash", 10)}abc`);
    expect(await client.take("\r\n\r\n")).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    await ended(client);
    await until(() => bridge.inFlight === 0, "no exchange is left");
  });

  it("answers 400 to a body that is cut off by the client's end", async () => {
    await using bridge = await Bridge.start(plugin);
    using client = await onFastPath(bridge);
    client.send(`${post("hash", 10)}abc`);
    await until(() => bridge.inFlight === 1, "the exchange runs");
    client.socket.end();
    expect(await client.take("\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    await ended(client);
    await until(() => bridge.inFlight === 0, "no exchange is left");
    expect(bridge.host.plugins[0]?.outcomes).toEqual({ ok: 1, "client-disconnected": 1 });
  });

  it.each([
    ["before the first byte of the response", get("hangs")],
    ["while the response runs", get("streams")],
    ["while its body runs", `${post("hash", 1_000_000)}abc`],
  ])("tells the plugin of a client that leaves %s", async (_when, bytes) => {
    await using bridge = await Bridge.start(plugin);
    for (const leave of ["destroy", "resetAndDestroy", "end"] as const) {
      // oxlint-disable-next-line no-await-in-loop
      using client = await onFastPath(bridge);
      client.send(bytes);
      // oxlint-disable-next-line no-await-in-loop
      await until(() => bridge.inFlight === 1, "the exchange runs");
      client.socket[leave]();
      // oxlint-disable-next-line no-await-in-loop
      await until(() => bridge.inFlight === 0, "no exchange is left");
    }
    expect(bridge.host.plugins[0]?.outcomes["client-disconnected"]).toBe(3);
    await until(() => fastPathOf(bridge.server)?.size === 0, "no connection is left");
  });

  it("stops a plugin whose client does not read, and goes on when it does", async () => {
    const bytes = 16_777_216;
    let written = 0;
    await using bridge = await Bridge.start({
      async serveHTTP(request, response) {
        if (request.url === "/0") {
          await response.end("</0>");
          return;
        }
        for (; written < bytes; written += 65_536) {
          await response.write(Buffer.alloc(65_536, "x"));
        }
      },
    });
    using client = await onFastPath(bridge);
    client.socket.pause();
    client.send(get("large"));
    await until(() => written > 0, "it writes");
    let before = -1;
    while (before !== written) {
      before = written;
      // oxlint-disable-next-line no-await-in-loop
      await turns(2_000);
    }
    expect(written).toBeLessThan(bytes);
    client.socket.resume();
    await client.take("\r\n0\r\n\r\n");
    expect(written).toBe(bytes);
  });

  it.each(["response", "tunnel"])(
    "frees what a large %s was read into, and loses none",
    async (kind) => {
      const body = randomBytes(8 * 1_048_576);
      await using bridge = await Bridge.start({
        async serveHTTP(request, response) {
          if (request.url === "/tunnel") {
            const { socket } = await response.hijack();
            socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
            socket.end(body);
          } else {
            response.headers.set("content-length", String(body.length));
            await response.end(body);
          }
        },
      });
      const freed = vi.spyOn(ArrayBuffer.prototype, "transfer");
      try {
        using client = await RawClient.connect(bridge.port);
        client.send(get(kind));
        const response = await takeResponse(client);
        expect(Buffer.compare(response, body)).toBe(0);
        expect(freed.mock.calls.length).toBeGreaterThan(10);
      } finally {
        freed.mockRestore();
      }
    },
  );

  it("stops a client whose body nobody reads", async () => {
    const read = Promise.withResolvers<void>();
    await using bridge = await Bridge.start({
      async serveHTTP(request, response) {
        if (request.method === "POST") {
          await read.promise;
          let total = 0;
          for await (const chunk of request.body) {
            total += chunk.length;
          }
          await response.end(`<${total}>`);
        } else {
          await response.end(`<${request.url}>`);
        }
      },
    });
    using client = await onFastPath(bridge);
    const bytes = 16_777_216;
    client.send(post("large", bytes));
    client.socket.write(Buffer.alloc(bytes));
    await until(() => bridge.inFlight === 1, "the exchange runs");
    let before = -1;
    while (before !== client.socket.writableLength) {
      before = client.socket.writableLength;
      // oxlint-disable-next-line no-await-in-loop
      await turns(2_000);
    }
    expect(before).toBeGreaterThan(0);
    read.resolve();
    await client.take(`<${bytes}>`);
  });

  it("lets the server close: idle connections at once, running ones behind their response", async () => {
    const go = Promise.withResolvers<void>();
    const server = createServer();
    await using bridge = await Bridge.start(
      {
        async serveHTTP(request, response) {
          if (request.url === "/waits") {
            await go.promise;
          }
          await response.end(`<${request.url}>`);
        },
      },
      { server },
    );
    using idle = await onFastPath(bridge);
    using busy = await onFastPath(bridge);
    busy.send(get("waits"));
    await until(() => bridge.inFlight === 1, "the exchange runs");
    const closed = once(server, "close");
    server.close();
    await ended(idle);
    expect(busy.ended).toBe(false);
    go.resolve();
    expect(await busy.take("</waits>")).toContain("\r\nConnection: close\r\n");
    await ended(busy);
    await closed;
  });

  it("lets closeAllConnections end what runs, tunnels among it", async () => {
    const server = createServer();
    await using bridge = await Bridge.start(plugin, { server });
    using busy = await onFastPath(bridge);
    busy.send(get("hangs"));
    using tunnel = await onFastPath(bridge);
    tunnel.send(get("raw"));
    await tunnel.take("raw\n\n");
    using idle = await onFastPath(bridge);
    server.closeIdleConnections();
    await ended(idle);
    expect([busy.ended, tunnel.ended]).toEqual([false, false]);
    server.closeAllConnections();
    await ended(busy);
    await ended(tunnel);
    await until(() => bridge.inFlight === 0, "no exchange is left");
    await until(() => fastPathOf(server)?.size === 0, "the fast path has forgotten them");
  });

  it("shows identity and context the request as Node does", async () => {
    const seen: unknown[] = [];
    const server = createServer({ joinDuplicateHeaders: true });
    await using bridge = await Bridge.start(plugin, {
      server,
      host: {
        async identity(request) {
          const { complete, headers, httpVersion, method, rawHeaders, socket, url } = request;
          seen.push({
            complete,
            headers,
            httpVersion,
            method,
            rawHeaders,
            url,
            v: (request as IncomingMessage).headersDistinct,
          });
          expect(socket.remotePort).toBeGreaterThan(0);
          return { "x-user": "ada" };
        },
      },
    });
    using client = await RawClient.connect(bridge.port);
    const fields = ["Cookie: a=b", "Cookie: c=d", "X-A: 1", "X-A: 2", "Authorization: x"];
    client.send(get("1", ...fields));
    await client.take("</1>");
    expect(served(bridge)).toBe(1);
    client.send(get("1", ...fields, "TE: x"));
    await client.take("</1>");
    expect(served(bridge)).toBe(1);
    const [first, second] = seen as {
      headers: { te?: string };
      rawHeaders: string[];
      v: { te?: string[] };
    }[];
    delete second!.headers.te;
    delete second!.v.te;
    second!.rawHeaders.length -= 2;
    expect(first).toEqual(second);
  });

  it("closes a message that identity has been shown, and not its connection", async () => {
    const events: string[] = [];
    await using bridge = await Bridge.start(plugin, {
      host: {
        identity(request) {
          for (const event of ["end", "aborted", "close", "error"]) {
            request.on(event, () => events.push(event));
          }
          return {};
        },
      },
    });
    using client = await onFastPath(bridge);
    await until(() => events.includes("close"), "the message closes");
    expect(events).toEqual(["end", "close"]);
    client.send(get("hangs"));
    await until(() => bridge.inFlight === 1, "the exchange runs");
    client.socket.destroy();
    await until(() => events.length > 3, "the message closes");
    expect(events).toEqual(["end", "close", "aborted", "close"]);
  });

  it("tells of connections that fail as Node does", async () => {
    const server = createServer();
    const errors: (string | undefined)[] = [];
    server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      errors.push(error.code);
      socket.destroy();
    });
    await using bridge = await Bridge.start(plugin, { server });
    using client = await onFastPath(bridge);
    client.send(get("hangs"));
    await until(() => bridge.inFlight === 1, "the exchange runs");
    client.socket.resetAndDestroy();
    await until(() => bridge.inFlight === 0, "no exchange is left");
    expect(errors).toEqual(["ECONNRESET"]);
  });
});
