import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Duplex, PassThrough } from "node:stream";
import { gunzipSync } from "node:zlib";
import fastifyMultipart from "@fastify/multipart";
import fastifyWebsocket from "@fastify/websocket";
import compression from "compression";
import cookieParser from "cookie-parser";
import cookieSession from "cookie-session";
import express from "express";
import { fastify } from "fastify";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { getCookie, setCookie } from "hono/cookie";
import { compress } from "hono/compress";
import { streamSSE } from "hono/streaming";
import Koa from "koa";
import multer from "multer";
import { Server as SocketServer } from "socket.io";
import { io as connectSocketIo } from "socket.io-client";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { pluginRequestOf } from "./node-request.js";
import type { NodeHandler } from "./node.js";
import type { PluginHandler } from "./to-serve-http.js";
import { headerListOf } from "../handler/header-list.js";
import { callHandler, type TestRequest } from "../testing/testing.js";

// Applications and middleware that nobody here wrote, unchanged.

describe("an Express app as a plugin", () => {
  it("routes, parses and answers JSON, and handles its errors itself", async () => {
    const app = express();
    app.use(express.json());
    app.post("/echo/:id", (request, response) => {
      response.json({
        id: request.params["id"],
        body: request.body as unknown,
        secure: request.secure,
      });
    });
    app.get("/fails", () => Promise.reject(new Error("secret")));
    app.set("env", "production");
    app.use(
      (_error: unknown, _request: express.Request, response: express.Response, _next: unknown) => {
        response.status(503).send("handled");
      },
    );
    const echoed = await callHandler(
      { node: app },
      { ...json({ a: [1] }), url: "/echo/7?x=1", scheme: "https" },
    ).response;
    expect(await echoed.json()).toEqual({ id: "7", body: { a: [1] }, secure: true });
    expect(echoed.headers.get("etag")).toMatch(/^W\//);
    const failed = await callHandler({ node: app }, { url: "/fails" }).response;
    expect([failed.status, await failed.text()]).toEqual([503, "handled"]);
    const refused = await callHandler(
      { node: app },
      { ...json({}), url: "/echo/7", body: "{", contentLength: 1 },
    ).response;
    expect(refused.status).toBe(503);
    const missing = await callHandler({ node: app }, { url: "/none" }).response;
    expect(missing.status).toBe(404);
  });

  it("refuses a body over the limit of its parser", async () => {
    const app = express();
    app.use(express.raw({ type: "*/*", limit: 1_000 }));
    app.use(
      (
        _error: { status: number },
        _request: unknown,
        response: express.Response,
        _next: unknown,
      ) => {
        response.sendStatus(_error.status);
      },
    );
    const upload = { method: "POST", headers: [["Content-Type", "x/y"]] } as const;
    const declared = await callHandler({ node: app }, { ...upload, body: new Uint8Array(100_000) })
      .response;
    expect(declared.status).toBe(413);
    const body = new PassThrough();
    body.end(new Uint8Array(2_000));
    const streamed = await callHandler({ node: app }, { ...upload, body }).response;
    expect(streamed.status).toBe(413);
  });

  it("compresses, and flushes what is compressed by res.flush()", async () => {
    const app = express();
    app.use(compression({ threshold: 0 }));
    app.get("/text", (_request, response) => {
      response.type("text/plain").send("hello ".repeat(10_000));
    });
    const goOn = Promise.withResolvers<void>();
    app.get("/events", async (_request, response) => {
      response.type("text/event-stream");
      response.write("data: 1\n\n");
      response.flush();
      await goOn.promise;
      response.end("data: 2\n\n");
    });
    const headers: [string, string][] = [["Accept-Encoding", "gzip"]];
    const text = await callHandler({ node: app }, { url: "/text", headers }).response;
    expect(text.headers.get("content-encoding")).toBe("gzip");
    expect(gunzipSync(await text.bytes()).toString()).toBe("hello ".repeat(10_000));
    const events = await callHandler({ node: app }, { url: "/events", headers }).response;
    const chunks = events.body[Symbol.asyncIterator]();
    const first = await chunks.next();
    expect(first.done).toBe(false);
    goOn.resolve();
    await chunks.return?.();
  });

  it("serves files with ranges, conditions and HEAD", async () => {
    const directory = await temporaryDirectory();
    const octets = randomBytes(300_000);
    await writeFile(join(directory, "file.bin"), octets);
    const app = express().use(express.static(directory));
    const get = (request: TestRequest) =>
      callHandler({ node: app }, { url: "/file.bin", ...request }).response;

    const whole = await get({});
    expect(octets.equals(await whole.bytes())).toBe(true);
    expect(whole.headers.get("content-length")).toBe("300000");
    const range = await get({ headers: [["Range", "bytes=100-199"]] });
    expect([range.status, range.headers.get("content-range")]).toEqual([
      206,
      "bytes 100-199/300000",
    ]);
    expect(octets.subarray(100, 200).equals(await range.bytes())).toBe(true);
    const unsatisfiable = await get({ headers: [["Range", "bytes=400000-"]] });
    expect(unsatisfiable.status).toBe(416);
    const unchanged = await get({ headers: [["If-None-Match", whole.headers.get("etag") ?? ""]] });
    expect([unchanged.status, await unchanged.text()]).toEqual([304, ""]);
    const head = await get({ method: "HEAD" });
    expect([head.headers.get("content-length"), await head.text()]).toEqual(["300000", ""]);
  });

  it("redirects directories inside of where it is mounted (M5)", async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, "sub"));
    const app = express();
    app.use(express.static(directory));
    app.use("/nested", express.static(directory));
    const redirected = async (request: TestRequest) =>
      (
        await callHandler({ node: app }, { basePath: "/app/notes", ...request }).response
      ).headers.get("location");
    expect(await redirected({ url: "/sub?q" })).toBe("/app/notes/sub/?q");
    expect(await redirected({ url: "/nested/sub" })).toBe("/app/notes/nested/sub/");
    expect(await redirected({ url: "/", requestUri: "/notes" })).toBe("/app/notes/");
    expect(await redirected({ url: "/sub", basePath: "" })).toBe("/sub/");
  });

  it("stops reading a file whose client leaves", async () => {
    const directory = await temporaryDirectory();
    await writeFile(join(directory, "big.bin"), Buffer.alloc(8_000_000));
    const closed = Promise.withResolvers<boolean>();
    const app = express();
    app.use((_request, response, next) => {
      response.on("close", () => closed.resolve(response.writableFinished));
      next();
    });
    app.use(express.static(directory));
    const call = callHandler({ node: app }, { url: "/big.bin" });
    await call.response;
    call.abort();
    expect(await closed.promise).toBe(false);
  });

  it("takes uploads with multer, to disk and in memory", async () => {
    const directory = await temporaryDirectory();
    const octets = randomBytes(500_000);
    const app = express();
    app.post("/disk", multer({ dest: directory }).single("file"), (request, response) => {
      response.json({ path: request.file?.path, title: (request.body as { title: string }).title });
    });
    app.post(
      "/small",
      multer({ limits: { fileSize: 10 } }).single("file"),
      (_request, response) => {
        response.end("too late");
      },
    );
    app.use(
      (error: { code: string }, _request: unknown, response: express.Response, _next: unknown) => {
        response.status(413).send(error.code);
      },
    );
    const stored = await callHandler({ node: app }, { url: "/disk", ...(await multipart(octets)) })
      .response;
    const { path, title } = (await stored.json()) as { path: string; title: string };
    expect(title).toBe("a title");
    expect(octets.equals(await readFile(path))).toBe(true);
    const refused = await callHandler(
      { node: app },
      { url: "/small", ...(await multipart(octets)) },
    ).response;
    expect([refused.status, await refused.text()]).toEqual([413, "LIMIT_FILE_SIZE"]);
  });

  it("logs in by cookies", async () => {
    const app = express();
    app.use(cookieParser("key"));
    app.use(cookieSession({ name: "session", keys: ["key"] }));
    app.get("/login", (request, response) => {
      (request.session as Record<string, unknown>)["user"] = "ada";
      response.cookie("seen", "yes", { signed: true }).end();
    });
    app.get("/me", (request, response) => {
      const { seen } = request.signedCookies as { seen?: string };
      response.send(`${(request.session as Record<string, string>)["user"]} ${seen}`);
    });
    const login = await callHandler({ node: app }, { url: "/login" }).response;
    const cookies = login.headers.getAll("set-cookie").map((line) => line.split(";")[0]);
    expect(cookies).toHaveLength(3);
    const headers: [string, string][] = [["Cookie", cookies.join("; ")]];
    const me = await callHandler({ node: app }, { url: "/me", headers }).response;
    expect(await me.text()).toBe("ada yes");
  });

  it("finds what the host knows of the client", async () => {
    const app = express();
    app.get("/", (request, response) => {
      response.send(pluginRequestOf(request)?.context["user"]);
    });
    const response = await callHandler({ node: app }, { context: { user: "ada" } }).response;
    expect(await response.text()).toBe("ada");
  });

  it("sends server-sent events until the client leaves", async () => {
    const left = Promise.withResolvers<void>();
    const app = express();
    app.get("/", (request, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write("data: 1\n\n");
      request.on("close", () => left.resolve());
      response.on("close", () => left.resolve());
    });
    const call = callHandler({ node: app });
    const response = await call.response;
    expect(await firstOf(response.body)).toBe("data: 1\n\n");
    call.abort();
    await left.promise;
  });
});

describe("a Koa app as a plugin", () => {
  it("answers text, streams and errors", async () => {
    const app = new Koa({ env: "test" });
    app.silent = true;
    app.use((context) => {
      if (context.path === "/stream") {
        const stream = new PassThrough();
        stream.end("streamed");
        context.body = stream;
      } else if (context.path === "/fails") {
        context.throw(418, "teapot");
      } else {
        context.set("X-A", ["1", "2"]);
        context.body = { host: context.host, ip: context.ip };
      }
    });
    const handler = { node: app.callback() };
    const plain = await callHandler(handler).response;
    expect(await plain.json()).toEqual({ host: "plugin.test", ip: "192.0.2.1" });
    expect(plain.headers.getAll("x-a")).toEqual(["1", "2"]);
    expect(await (await callHandler(handler, { url: "/stream" }).response).text()).toBe("streamed");
    expect((await callHandler(handler, { url: "/fails" }).response).status).toBe(418);
  });
});

describe("a Fastify app as a plugin", () => {
  it("validates, answers and streams, by app.routing and by app.server", async () => {
    const app = fastify();
    app.post("/", { schema: { body: { type: "object", required: ["a"] } } }, (request) => ({
      got: request.body,
      ip: request.ip,
    }));
    app.get("/stream", (_request, reply) => {
      const stream = new PassThrough();
      stream.end("streamed");
      return reply.type("text/plain").send(stream);
    });
    await app.ready();
    const byRouting: NodeHandler = {
      node: (incoming, outgoing) => app.routing(incoming, outgoing),
    };
    for (const handler of [byRouting, app.server]) {
      // oxlint-disable no-await-in-loop -- one handler after the other
      const valid = await callHandler(handler, json({ a: 1 })).response;
      expect(await valid.json()).toEqual({ got: { a: 1 }, ip: "192.0.2.1" });
      expect((await callHandler(handler, json({})).response).status).toBe(400);
      expect(await (await callHandler(handler, { url: "/stream" }).response).text()).toBe(
        "streamed",
      );
      // oxlint-enable no-await-in-loop
    }
    await app.close();
  });

  it("sends trailers and takes uploads", async () => {
    const app = fastify();
    await app.register(fastifyMultipart);
    app.get("/trailer", (_request, reply) => {
      reply.trailer("x-sum", (_reply, _payload, done) => done(null, "7"));
      return reply.send("body");
    });
    // oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Fastify awaits it
    app.post("/upload", async (request) => {
      const file = await request.file({ limits: { fileSize: 10_000_000 } });
      return { length: (await file?.toBuffer())?.length };
    });
    await app.ready();
    const trailing = await callHandler(app.server, { url: "/trailer" }).response;
    expect(await trailing.text()).toBe("body");
    expect((await trailing.trailers).get("x-sum")).toBe("7");
    const upload = await callHandler(app.server, {
      url: "/upload",
      ...(await multipart(randomBytes(700_000))),
    }).response;
    expect(await upload.json()).toEqual({ length: 700_000 });
    await app.close();
  });

  it("talks WebSocket by @fastify/websocket, beside its other routes", async () => {
    const app = fastify();
    await app.register(fastifyWebsocket);
    app.get("/ws", { websocket: true }, (socket, request) => {
      socket.on("message", (message: Buffer) =>
        socket.send(`${request.url} ${message.toString()}`),
      );
    });
    app.get("/plain", () => "plain");
    await app.ready();
    const socket = await connect(app.server, "/ws");
    socket.send("hello");
    expect(await nextMessage(socket)).toBe("/ws hello");
    socket.close(1000);
    await once(socket, "close");
    expect(await (await callHandler(app.server, { url: "/plain" }).response).text()).toBe("plain");
    await app.close();
  });
});

describe("a Hono app as a plugin", () => {
  it("routes, with cookies, middleware and what the host knows of the client", async () => {
    const app = new Hono<{
      Bindings: { context: Record<string, string>; remoteAddress: string };
    }>();
    app.get("/hello/:name", (c) => {
      setCookie(c, "a", "1");
      setCookie(c, "b", "2");
      return c.text(
        `${c.req.param("name")} ${getCookie(c, "c")} ${c.env.context["user"]} ${c.env.remoteAddress}`,
      );
    });
    app.post("/json", bodyLimit({ maxSize: 20 }), async (c) => c.json(await c.req.json<unknown>()));
    const hello = await callHandler(app, {
      url: "/hello/ada",
      headers: [["Cookie", "c=3"]],
      context: { user: "ada" },
    }).response;
    expect(await hello.text()).toBe("ada 3 ada 192.0.2.1:50000");
    expect(hello.headers.getAll("set-cookie")).toEqual(["a=1; Path=/", "b=2; Path=/"]);
    const echoed = await callHandler(app, { url: "/json", ...json({ a: 1 }) }).response;
    expect(await echoed.json()).toEqual({ a: 1 });
    const large = await callHandler(app, { url: "/json", ...json({ a: "x".repeat(100) }) })
      .response;
    expect(large.status).toBe(413);
    expect((await callHandler(app, { url: "/none" }).response).status).toBe(404);
  });

  it("sends server-sent events until the client leaves", async () => {
    const left = Promise.withResolvers<void>();
    const app = new Hono();
    app.get("/events", (c) =>
      streamSSE(c, async (stream) => {
        stream.onAbort(() => left.resolve());
        await stream.writeSSE({ data: "1", event: "tick", id: "1" });
        await left.promise;
      }),
    );
    const call = callHandler(app, { url: "/events" });
    const response = await call.response;
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(await firstOf(response.body)).toBe("event: tick\ndata: 1\nid: 1\n\n");
    call.abort();
    await left.promise;
  });

  it("takes uploads and compresses", async () => {
    const octets = randomBytes(300_000);
    const app = new Hono();
    app.use(compress());
    app.post("/upload", async (c) => {
      const { file } = await c.req.parseBody();
      return c.text(String((file as File).size));
    });
    app.get("/text", (c) => c.text("hello ".repeat(10_000)));
    const upload = await callHandler(app, { url: "/upload", ...(await multipart(octets)) })
      .response;
    expect(await upload.text()).toBe("300000");
    const text = await callHandler(app, { url: "/text", headers: [["Accept-Encoding", "gzip"]] })
      .response;
    expect(gunzipSync(await text.bytes()).toString()).toBe("hello ".repeat(10_000));
  });
});

describe("a server of WebSockets as a plugin", () => {
  it("is a stock ws server: text, binary, 1 MiB, fragments, ping and close codes", async () => {
    const sockets = new WebSocketServer({ noServer: true });
    sockets.on("connection", (socket) => {
      socket.on("message", (message, isBinary) =>
        socket.send(message as Buffer, { binary: isBinary }),
      );
    });
    const handler: NodeHandler = {
      node: (_incoming, outgoing) => outgoing.writeHead(426).end(),
      upgrade(incoming, socket, head) {
        sockets.handleUpgrade(incoming, socket, head, (webSocket) => {
          sockets.emit("connection", webSocket, incoming);
        });
      },
    };
    const socket = await connect(handler, "/chat");
    socket.send("text");
    expect(await nextMessage(socket)).toBe("text");
    const octets = randomBytes(1_048_576);
    socket.send(octets);
    const [echoed] = (await once(socket, "message")) as [Buffer];
    expect(octets.equals(echoed)).toBe(true);
    socket.send("frag", { fin: false });
    socket.send("ments", { fin: true });
    expect(await nextMessage(socket)).toBe("fragments");
    socket.ping("are you there");
    const [pong] = (await once(socket, "pong")) as [Buffer];
    expect(pong.toString()).toBe("are you there");
    socket.close(4001, "enough");
    const [code, reason] = (await once(socket, "close")) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([4001, "enough"]);
    expect((await callHandler(handler).response).status).toBe(426);
  });

  it("refuses by an HTTP response", async () => {
    const sockets = new WebSocketServer({ noServer: true, verifyClient: () => false });
    const server = createServer();
    server.on("upgrade", (incoming, socket, head) => {
      sockets.handleUpgrade(incoming, socket, head, () => expect.unreachable());
    });
    await expect(connect(server, "/")).rejects.toThrow("Unexpected server response: 401");
  });

  it("notices a client who leaves", async () => {
    const sockets = new WebSocketServer({ noServer: true });
    const server = createServer();
    const left = Promise.withResolvers<number>();
    sockets.on("connection", (socket) => socket.on("close", left.resolve));
    server.on("upgrade", (incoming, socket, head) => {
      sockets.handleUpgrade(incoming, socket, head, (webSocket) => {
        sockets.emit("connection", webSocket, incoming);
      });
    });
    const socket = await connect(server, "/");
    socket.terminate();
    expect(await left.promise).toBe(1006);
  });

  it("is socket.io, attached to a server that never listens", async () => {
    const server = createServer((_incoming, outgoing) => void outgoing.end("beside"));
    const io = new SocketServer(server);
    io.on("connection", (socket) => {
      socket.on("greet", (name: string, reply: (text: string) => void) => reply(`hello ${name}`));
    });
    const origin = `http://127.0.0.1:${await frontOf(server)}`;
    for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
      const socket = connectSocketIo(origin, { transports, reconnection: false, forceNew: true });
      // oxlint-disable-next-line no-await-in-loop -- one transport after the other
      expect(await socket.emitWithAck("greet", "ada")).toBe("hello ada");
      socket.disconnect();
    }
    expect(await (await callHandler(server).response).text()).toBe("beside");
    await io.close();
  });
});

function json(value: unknown): { method: string; headers: [string, string][]; body: string } {
  return {
    method: "POST",
    headers: [["Content-Type", "application/json"]],
    body: JSON.stringify(value),
  };
}

/** A form with a title and a file, as a browser sends it. */
async function multipart(octets: Uint8Array<ArrayBuffer>): Promise<TestRequest> {
  const form = new FormData();
  form.set("title", "a title");
  form.set("file", new File([octets], "file.bin", { type: "application/octet-stream" }));
  const encoded = new Response(form);
  const contentType = encoded.headers.get("content-type") ?? "";
  const body = new Uint8Array(await encoded.arrayBuffer());
  return { method: "POST", headers: [["Content-Type", contentType]], body };
}

async function firstOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const first = await body[Symbol.asyncIterator]().next();
  return first.done === true ? "" : Buffer.from(first.value).toString();
}

async function nextMessage(socket: WebSocket): Promise<string> {
  const [message] = (await once(socket, "message")) as [Buffer];
  return message.toString();
}

/** A stock client of WebSockets at a handler. */
async function connect(handler: PluginHandler, path: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${await frontOf(handler)}${path}`);
  await once(socket, "open");
  return socket;
}

/** A port at which a handler is reached over sockets: what a host does, without any of its care. */
async function frontOf(handler: PluginHandler): Promise<number> {
  const front = createServer((incoming, outgoing) => {
    void answer(handler, incoming, outgoing);
  });
  front.on("upgrade", (incoming: IncomingMessage, socket: Duplex, tunnelHead: Buffer) => {
    const call = callHandler(handler, { ...requestOf(incoming), hijackable: true, tunnelHead });
    void call.tunnel.then((tunnel) => {
      socket.on("error", () => call.abort());
      socket.on("close", () => call.abort());
      socket.pipe(tunnel).pipe(socket);
    });
  });
  front.listen(0, "127.0.0.1");
  await once(front, "listening");
  onTestFinished(() => {
    front.close();
    front.closeAllConnections();
  });
  return (front.address() as AddressInfo).port;
}

async function answer(
  handler: PluginHandler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const request = requestOf(incoming);
  const call = callHandler(
    handler,
    incoming.method === "GET" ? request : { ...request, body: incoming },
  );
  outgoing.on("close", () => call.abort());
  const response = await call.response;
  outgoing.writeHead(response.status, [...response.headers].flat());
  for await (const chunk of response.body) {
    outgoing.write(chunk);
  }
  outgoing.end();
}

function requestOf(incoming: IncomingMessage): TestRequest {
  const headers: [string, string][] = [];
  for (const [name, value] of headerListOf(incoming.rawHeaders)) {
    if (!/^(?:host|connection|content-length|transfer-encoding)$/i.test(name)) {
      headers.push([name, value]);
    }
  }
  return { method: incoming.method ?? "GET", url: incoming.url ?? "/", headers };
}

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "servehttp-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}
