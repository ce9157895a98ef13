import { AsyncLocalStorage } from "node:async_hooks";
import { createHash, randomBytes } from "node:crypto";
import { PassThrough } from "node:stream";
import {
  type Logger,
  type RequestInit,
  type ResponseParts,
  ServeHTTPError,
} from "@servehttp/contract";
import { describe, expect, it } from "vitest";
import { dispatchExchange } from "./dispatcher.js";
import type { ServeHTTP } from "../handler/serve-http.js";
import { MemoryChannel } from "../testing/memory-channel.js";
import type { PluginRequest } from "../handler/plugin-request.js";
import type { ResponseWriter } from "../handler/response-writer.js";
import { RunningHandlers } from "./running-handlers.js";
import { callHandler } from "../testing/testing.js";

describe("dispatchExchange", () => {
  it("answers a request without a body by one message", () => {
    const { sent, receiver } = dispatch((_request, response) => {
      response.headers.set("content-type", "text/plain");
      void response.end("hi");
    });
    void receiver.receive({ init: plainInit, end: { trailers: [] } });
    expect(sent).toEqual([
      {
        init: { status: 200, headers: ["content-type", "text/plain"] },
        chunk: Buffer.from("hi"),
        end: { trailers: [] },
      },
    ]);
  });

  it("answers 200 with nothing for a handler that writes nothing", async () => {
    const response = await callHandler({ serveHTTP: () => undefined }).response;
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });

  it("ends the response of a handler that returns without ending it", async () => {
    const call = callHandler({
      async serveHTTP(_request, response) {
        response.writeHead(201);
        await response.write("a");
        await response.write("b");
      },
    });
    const response = await call.response;
    expect(response.status).toBe(201);
    expect(await response.text()).toBe("ab");
  });

  it("takes a result that is no promise for a return, and any make of promise for one", async () => {
    const number = callHandler({ serveHTTP: (() => 5) as unknown as ServeHTTP });
    expect((await number.response).status).toBe(200);
    const thenable = {
      // oxlint-disable-next-line unicorn/no-thenable -- what is tested
      then: (_resolve: unknown, reject: (error: Error) => void) => reject(new Error("no")),
    };
    const rejecting = callHandler({ serveHTTP: (() => thenable) as unknown as ServeHTTP });
    await expect(rejecting.response).rejects.toMatchObject({ code: "handler-failed" });
  });

  it.each([
    ["a Response", new Response("hello"), "a Response"],
    ["text", "hello", "a string"],
    ["an object", { hello: "world" }, "a Object"],
    ["an object that can't be looked at", unreadable(), "a object"],
  ])(
    "answers 500 and says why when the handler writes nothing and returns %s",
    async (_kind, result, shown) => {
      for (const serveHTTP of [() => result, async () => result] as unknown as ServeHTTP[]) {
        const errors: { err: Error }[] = [];
        const logger: Logger = {
          warn: () => undefined,
          error: (details) => errors.push(details as { err: Error }),
        };
        const { receiver, resets, running } = dispatch(serveHTTP, logger);
        void receiver.receive({ init: plainInit, end: { trailers: [] } });
        // oxlint-disable-next-line no-await-in-loop -- one handler after the other
        await running.whenIdle();
        expect(resets.map(({ code }) => code)).toEqual(["handler-failed"]);
        expect(errors.map(({ err }) => err.message)).toEqual([
          expect.stringMatching(
            new RegExp(`^serveHTTP returned ${shown} and wrote nothing: write to`),
          ),
        ]);
      }
    },
  );

  it("sends what was written whatever the handler returns", async () => {
    const call = callHandler({
      serveHTTP: (async (_request: unknown, response: ResponseWriter) => {
        await response.write("hello");
        return new Response("unused");
      }) as unknown as ServeHTTP,
    });
    expect(await (await call.response).text()).toBe("hello");
  });

  it("survives a handler that throws what can't be looked at (H1)", async () => {
    const thrown = unreadable();
    for (const serveHTTP of [
      () => {
        throw thrown;
      },
      () => Promise.reject(thrown),
    ]) {
      const call = callHandler({ serveHTTP });
      // oxlint-disable-next-line no-await-in-loop -- one handler after the other
      await expect(call.response).rejects.toMatchObject({ code: "handler-failed" });
    }
  });

  it("calls the handler before the body comes, and lets it answer first", async () => {
    const body = new PassThrough();
    const call = callHandler(
      { serveHTTP: (_request, response) => void response.end("early") },
      { method: "POST", body },
    );
    expect(await (await call.response).text()).toBe("early");
    body.end();
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("secret");
      },
    ],
    ["rejects", () => Promise.reject(new Error("secret"))],
  ])(
    "fails the exchange when the handler %s, and lets nothing of it travel",
    async (_how, serveHTTP) => {
      const errors: Readonly<Record<string, unknown>>[] = [];
      const logger: Logger = { warn: () => undefined, error: (details) => errors.push(details) };
      const { resets, receiver, running } = dispatch(serveHTTP, logger);
      void receiver.receive({ init: plainInit, end: { trailers: [] } });
      await running.whenIdle();
      expect(resets).toHaveLength(1);
      expect(resets[0]?.code).toBe("handler-failed");
      expect(resets[0]?.message).not.toContain("secret");
      expect(errors).toEqual([
        { requestId: "test", err: expect.objectContaining({ message: "secret" }) },
      ]);
    },
  );

  it("says once that a status is impossible, though the handler trips over it again", async () => {
    const errors: unknown[] = [];
    const logger: Logger = { warn: () => undefined, error: (_details, text) => errors.push(text) };
    const { resets, receiver, running } = dispatch(async (_request, response) => {
      response.writeHead(101);
      await response.end();
    }, logger);
    void receiver.receive({ init: plainInit, end: { trailers: [] } });
    await running.whenIdle();
    expect(resets).toEqual([expect.objectContaining({ code: "handler-failed" })]);
    expect(errors).toEqual([expect.stringContaining("writeHead(101)")]);
  });

  it("breaks the transfer when the handler throws behind the head", async () => {
    const call = callHandler({
      async serveHTTP(_request, response) {
        await response.write("partial");
        throw new Error("boom");
      },
    });
    const response = await call.response;
    await expect(response.text()).rejects.toMatchObject({ code: "handler-failed" });
  });

  it("leaves a complete response alone when the handler throws behind the end", async () => {
    const call = callHandler({
      async serveHTTP(_request, response) {
        await response.end("whole");
        throw new Error("boom");
      },
    });
    expect(await (await call.response).text()).toBe("whole");
  });

  it.each([
    "client-disconnected",
    "deadline",
    "host-stopping",
    "plugin-closing",
    "connection-lost",
  ] as const)("tells the handler by signal, body and writes: %s", async (code) => {
    const seen = Promise.withResolvers<unknown[]>();
    const started = Promise.withResolvers<void>();
    const call = callHandler(
      {
        async serveHTTP(request, response) {
          const aborted = new Promise((resolve) => {
            request.signal.addEventListener("abort", () => resolve(request.signal.reason));
          });
          started.resolve();
          const read = request.bytes().catch((error: unknown) => error);
          const reasons = [await aborted, await read];
          reasons.push(await response.write("x").catch((error: unknown) => error));
          reasons.push(await request.trailers.catch((error: unknown) => error));
          seen.resolve(reasons);
        },
      },
      { method: "POST", body: new PassThrough() },
    );
    await started.promise;
    call.abort(code);
    await expect(call.response).rejects.toMatchObject({ code });
    const reasons = await seen.promise;
    expect(reasons).toHaveLength(4);
    for (const reason of reasons) {
      expect(reason).toMatchObject({ name: "ServeHTTPError", code });
    }
  });

  it("gives who asks for the signal late one that has aborted", async () => {
    const received = Promise.withResolvers<PluginRequest>();
    const call = callHandler({
      serveHTTP: (request) => {
        received.resolve(request);
        return new Promise(() => undefined);
      },
    });
    const request = await received.promise;
    call.abort();
    expect(request.signal.aborted).toBe(true);
    expect(request.signal.reason).toMatchObject({ code: "client-disconnected" });
  });

  it("waits no longer for the handler of an exchange that was given up, and survives its failure", async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", listen);
    try {
      const handler = Promise.withResolvers<void>();
      const warnings: unknown[] = [];
      const logger: Logger = { warn: (details) => warnings.push(details), error: () => undefined };
      const { receiver, running } = dispatch(() => handler.promise, logger);
      void receiver.receive({ init: plainInit });
      expect(running.count).toBe(1);
      receiver.abort(new ServeHTTPError("client-disconnected", "gone"));
      await running.whenIdle();
      handler.reject(new Error("late"));
      await turn();
      expect(unhandled).toEqual([]);
      expect(warnings).toEqual([expect.objectContaining({ code: "client-disconnected" })]);
    } finally {
      process.off("unhandledRejection", listen);
    }
  });

  it("logs nothing for a handler that fails because its exchange was given up", async () => {
    const lines: unknown[] = [];
    const log = (details: unknown): void => void lines.push(details);
    const { receiver } = dispatch((request) => request.text().then(() => undefined), {
      warn: log,
      error: log,
    });
    void receiver.receive({ init: plainInit });
    receiver.abort(new ServeHTTPError("client-disconnected", "gone"));
    await turn();
    expect(lines).toEqual([]);
  });

  it("carries a body both ways at once, whole and in order", async () => {
    const octets = randomBytes(1_000_003);
    const call = callHandler(
      {
        async serveHTTP(request, response) {
          for await (const chunk of request.body) {
            await response.write(chunk);
          }
        },
      },
      { method: "POST", body: octets },
    );
    const echoed = await (await call.response).bytes();
    expect(sha256(echoed)).toBe(sha256(octets));
  });

  it("stops a handler whose client does not read", async () => {
    let written = 0;
    const call = callHandler({
      async serveHTTP(_request, response) {
        for (let i = 0; i < 100; i += 1) {
          await response.write(new Uint8Array(16_384));
          written += 16_384;
        }
      },
    });
    const response = await call.response;
    await turn();
    await turn();
    expect(written).toBeLessThanOrEqual(262_144 + 2 * 16_384);
    expect((await response.bytes()).length).toBe(1_638_400);
    expect(written).toBe(1_638_400);
  });

  it("throws in a body that was cut off", async () => {
    const body = new PassThrough();
    const seen = Promise.withResolvers<unknown>();
    const call = callHandler(
      {
        async serveHTTP(request) {
          await request.bytes().then(seen.resolve, seen.resolve);
        },
      },
      { method: "POST", body },
    );
    body.write("begin");
    body.destroy(new Error("cut"));
    expect(await seen.promise).toMatchObject({ code: "client-disconnected" });
    await expect(call.response).rejects.toMatchObject({ code: "client-disconnected" });
  });

  it("sends a 100 when the handler first reads, and none for one that refuses unread", async () => {
    const read = callHandler(
      { serveHTTP: reading },
      { method: "PUT", body: "x", expectContinue: true },
    );
    expect(await (await read.response).text()).toBe("x");
    expect(read.informational.map(({ status }) => status)).toEqual([100]);

    const refused = callHandler(
      { serveHTTP: refuse },
      { method: "PUT", body: "x", expectContinue: true },
    );
    expect((await refused.response).status).toBe(413);
    expect(refused.informational).toEqual([]);
  });

  it("stops a read that goes on behind the end of the response", async () => {
    const seen = Promise.withResolvers<unknown>();
    const body = new PassThrough();
    callHandler(
      {
        async serveHTTP(request, response) {
          await response.end("enough");
          await request.bytes().then(seen.resolve, seen.resolve);
        },
      },
      { method: "POST", body },
    );
    expect(await seen.promise).toMatchObject({ code: "request-not-needed" });
    body.end();
  });

  it("tells how many handlers run, and when none does", async () => {
    const first = Promise.withResolvers<void>();
    const running = new RunningHandlers();
    const channel = new MemoryChannel({ onParts: () => undefined, onReset: () => undefined });
    const receiver = dispatchExchange(channel, () => first.promise, { logger: silent, running });
    void receiver.receive({ init: plainInit, end: { trailers: [] } });
    expect(running.count).toBe(1);
    const idle = running.whenIdle();
    first.resolve();
    await idle;
    expect(running.count).toBe(0);
    await running.whenIdle();
  });

  it("keeps what a handler enters into an AsyncLocalStorage from the next exchange", async () => {
    const user = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const handler: ServeHTTP = async (request) => {
      seen.push(user.getStore());
      user.enterWith(request.id);
      await turn();
      seen.push(user.getStore());
    };
    const first = dispatch(handler);
    const second = dispatch(handler);
    void first.receiver.receive({ init: { ...plainInit, requestId: "a" }, end: { trailers: [] } });
    void second.receiver.receive({ init: { ...plainInit, requestId: "b" }, end: { trailers: [] } });
    await first.running.whenIdle();
    await second.running.whenIdle();
    expect(seen).toEqual([undefined, undefined, "a", "b"]);
  });

  it("keeps a tunnel open behind the handler's return", async () => {
    const call = callHandler(
      {
        async serveHTTP(_request, response) {
          const { socket, head } = await response.hijack();
          socket.write(head);
          socket.pipe(socket);
        },
      },
      { hijackable: true, tunnelHead: Buffer.from("head;") },
    );
    const tunnel = await call.tunnel;
    await turn();
    tunnel.end("ping");
    const octets: Buffer[] = [];
    for await (const chunk of tunnel) {
      octets.push(chunk as Buffer);
    }
    expect(Buffer.concat(octets).toString()).toBe("head;ping");
  });

  it("breaks the tunnel of a handler that throws", async () => {
    const call = callHandler(
      {
        async serveHTTP(_request, response) {
          await response.hijack();
          throw new Error("boom");
        },
      },
      { hijackable: true },
    );
    const tunnel = await call.tunnel;
    await new Promise((resolve) => {
      tunnel.once("close", resolve);
    });
    expect(tunnel.readableEnded).toBe(false);
  });

  it("survives a client who leaves a tunnel at which nobody listens for errors", async () => {
    const opened = Promise.withResolvers<Awaited<ReturnType<ResponseWriter["hijack"]>>>();
    const call = callHandler(
      {
        async serveHTTP(_request, response) {
          opened.resolve(await response.hijack());
        },
      },
      { hijackable: true },
    );
    const { socket } = await opened.promise;
    const closed = new Promise((resolve) => {
      socket.once("close", resolve);
    });
    call.abort();
    await closed;
    expect(socket.destroyed).toBe(true);
  });
});

function dispatch(handler: ServeHTTP, logger: Logger = silent) {
  const sent: ResponseParts[] = [];
  const resets: ServeHTTPError[] = [];
  const running = new RunningHandlers();
  const channel = new MemoryChannel({
    onParts: (parts) => void sent.push(parts),
    onReset: (error) => resets.push(error),
  });
  const receiver = dispatchExchange(channel, handler, { logger, running });
  return { sent, resets, running, receiver };
}

const reading: ServeHTTP = async (request, response) => {
  await response.end(await request.text());
};

const refuse: ServeHTTP = (_request, response) => response.writeHead(413);

const silent: Logger = { warn: () => undefined, error: () => undefined };

const plainInit: RequestInit = {
  method: "GET",
  url: "/",
  requestUri: "/",
  basePath: "",
  fullPath: false,
  protocol: "HTTP/1.1",
  protocolMajor: 1,
  protocolMinor: 1,
  host: "plugin.test",
  remoteAddress: "192.0.2.1:50000",
  headers: [],
  contentLength: 0,
  deadlineUnixMs: 0,
  requestId: "test",
  context: {},
  scheme: "http",
  expectContinue: false,
  hijackable: false,
};

function sha256(octets: Uint8Array): string {
  return createHash("sha256").update(octets).digest("hex");
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** An object that throws at whatever is done with it. */
function unreadable(): Error {
  const keepOff = () => {
    throw new Error("keep off");
  };
  return new Proxy(new Error("never read"), {
    get: (_target, name) => (name === "then" ? undefined : keepOff()),
    getPrototypeOf: keepOff,
    has: () => false,
  });
}
