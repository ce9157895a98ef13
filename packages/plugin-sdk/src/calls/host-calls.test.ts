import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { ServeHTTPError } from "@servehttp/contract";
import { TemporaryDirectory, until } from "@servehttp/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { PluginCalls } from "../handler/plugin-calls.js";
import { HostCalls } from "./host-calls.js";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let opened: AsyncDisposableStack;
beforeEach(() => {
  opened = new AsyncDisposableStack();
});
afterEach(async () => {
  await opened.disposeAsync();
});

/** A host that answers calls so. */
async function callsTo(answer: Answer, exchange?: AbortController): Promise<PluginCalls> {
  const directory = opened.use(await TemporaryDirectory.make());
  const server = createServer(answer);
  server.listen(directory.socketPath);
  await once(server, "listening");
  opened.defer(() => {
    server.close();
    server.closeAllConnections();
  });
  const calls = new HostCalls({ path: directory.socketPath }, "the-token");
  return calls.within(exchange && { id: "exchange-1", signal: exchange.signal });
}

const describe: Answer = (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const { method, url, rawHeaders, rawTrailers } = request;
    const body = Buffer.concat(chunks).toString("latin1");
    response.end(JSON.stringify({ method, url, rawHeaders, rawTrailers, body }));
  });
};

it("sends a plain request that says who calls, and within which exchange", async () => {
  const calls = await callsTo(describe, new AbortController());
  const response = await calls.fetch("search", "/query?q=x");
  expect(await response.json()).toEqual({
    method: "GET",
    url: "/search/query?q=x",
    rawHeaders: [
      "Host",
      "localhost",
      "Servehttp-Token",
      "the-token",
      "Servehttp-Exchange",
      "exchange-1",
      "Connection",
      "keep-alive",
    ],
    rawTrailers: [],
    body: "",
  });
});

it("names no exchange outside of all", async () => {
  const calls = await callsTo(describe);
  const { rawHeaders } = (await (await calls.fetch("search", "/")).json()) as {
    rawHeaders: string[];
  };
  expect(rawHeaders).not.toContain("Servehttp-Exchange");
});

it("leaves out what is the connection's business, and keeps the rest as it is", async () => {
  const calls = await callsTo(describe);
  const response = await calls.fetch("search", "/", {
    method: "post",
    headers: [
      ["X-Many", "1"],
      ["x-many", "2"],
      ["X-Latin", "caf\xe9"],
      ["Connection", "close, x-many"],
      ["Transfer-Encoding", "gzip"],
      ["Host", "elsewhere"],
      ["Expect", "100-continue"],
      ["Upgrade", "websocket"],
      ["Servehttp-Token", "mine"],
      ["servehttp_exchange", "other"],
    ],
    body: "caf\u00e9",
  });
  const { rawHeaders, method, body } = (await response.json()) as Record<string, string[]>;
  expect(rawHeaders).toEqual([
    "Host",
    "localhost",
    "Servehttp-Token",
    "the-token",
    "X-Many",
    "1",
    "x-many",
    "2",
    "X-Latin",
    "caf\xe9",
    "Content-Type",
    "text/plain;charset=UTF-8",
    "Content-Length",
    "5",
    "Connection",
    "keep-alive",
  ]);
  expect([method, body]).toEqual(["POST", "caf\xc3\xa9"]);
});

it("sends a body of each kind that fetch takes, and says its length where it is known", async () => {
  const calls = await callsTo(describe);
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("a=");
    yield Buffer.from("1");
  }
  const form = new FormData();
  form.append("a", "1");
  for (const [body, framing] of [
    ["a=1", "3"],
    [Uint8Array.from(Buffer.from("a=1")), "3"],
    [new URLSearchParams({ a: "1" }), "3"],
    [new Blob(["a=1"]), "3"],
    [pieces(), "chunked"],
    [ReadableStream.from(pieces()), "chunked"],
    [form, "chunked"],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const response = await calls.fetch("search", "/", { method: "PUT", body });
    // oxlint-disable-next-line no-await-in-loop -- as above
    const seen = (await response.json()) as { rawHeaders: string[]; body: string };
    const at = seen.rawHeaders.findIndex((name) => /^(?:content-length|transfer-)/i.test(name));
    expect(seen.rawHeaders[at + 1]).toBe(framing);
    expect(seen.body).toMatch(body === form ? /name="a"\r\n\r\n1\r\n/ : /^a=1$/);
  }
  const empty = await calls.fetch("search", "/", { method: "POST" });
  expect(((await empty.json()) as { rawHeaders: string[] }).rawHeaders).toContain("Content-Length");
});

it("carries trailers both ways", async () => {
  const calls = await callsTo((request, response) => {
    request.resume();
    request.on("end", () => {
      response.write("body");
      response.addTrailers([["X-Back", request.trailers["x-there"] ?? ""]]);
      response.end();
    });
  });
  const response = await calls.fetch("search", "/", {
    method: "POST",
    body: "x",
    trailers: { "X-There": "1" },
  });
  expect(await response.text()).toBe("body");
  expect([...(await response.trailers)]).toEqual([["X-Back", "1"]]);
});

it("keeps every line of a response, and the reason phrase", async () => {
  const calls = await callsTo((_request, response) => {
    response.writeHead(404, "Gone Fishing", ["Set-Cookie", "a=1", "Set-Cookie", "b=2"]);
    response.end();
  });
  const { status, statusText, headers } = await calls.fetch("search", "/");
  expect([status, statusText, headers.getSetCookie()]).toEqual([
    404,
    "Gone Fishing",
    ["a=1", "b=2"],
  ]);
});

it.each([204, 205, 304])("has no body with %d", async (status) => {
  const calls = await callsTo((_request, response) => {
    response.writeHead(status);
    response.end();
  });
  const response = await calls.fetch("search", "/");
  expect([response.status, response.body]).toEqual([status, null]);
  expect([...(await response.trailers)]).toEqual([]);
});

it("rejects a status that a Response can't have", async () => {
  const calls = await callsTo((_request, response) => {
    response.writeHead(799);
    response.end();
  });
  await expect(calls.fetch("search", "/")).rejects.toMatchObject({
    code: "handler-failed",
    message: expect.stringContaining("799") as string,
  });
});

it("rejects with what the host says where it does not make the call", async () => {
  const calls = await callsTo((_request, response) => {
    response.writeHead(403, { "Servehttp-Call": "set mayCall" });
    response.end("set mayCall\n");
  });
  await expect(calls.fetch("search", "/")).rejects.toMatchObject({
    code: "call-refused",
    message: "set mayCall",
  });
  await expect(calls.fetch("search", "/", { method: "HEAD" })).rejects.toMatchObject({
    code: "call-refused",
  });
});

it.each([
  ["chunked", {}],
  ["with a length", { "Content-Length": "100" }],
])("rejects the body of a response %s that breaks off, and its trailers", async (_how, headers) => {
  const calls = await callsTo((_request, response) => {
    response.writeHead(200, headers);
    response.write("half", () => response.socket?.destroy());
  });
  const response = await calls.fetch("search", "/");
  await expect(response.text()).rejects.toMatchObject({ code: "connection-lost" });
  await expect(response.trailers).rejects.toMatchObject({ code: "connection-lost" });
});

it("rejects where the host is gone", async () => {
  const calls = await callsTo((_request, response) => void response.socket?.destroy());
  await expect(calls.fetch("search", "/")).rejects.toMatchObject({ code: "connection-lost" });
  const nowhere = new HostCalls({ path: "/nowhere/s" }, "token").within(undefined);
  await expect(nowhere.fetch("search", "/")).rejects.toMatchObject({ code: "connection-lost" });
});

it("does not call once its signal, or its exchange's, has aborted", async () => {
  let asked = 0;
  const answer: Answer = (_request, response) => {
    asked += 1;
    response.end();
  };
  const gone = new AbortController();
  gone.abort(new Error("gone"));
  const calls = await callsTo(answer, gone);
  await expect(calls.fetch("search", "/")).rejects.toThrow("gone");
  const others = await callsTo(answer);
  await expect(others.fetch("search", "/", { signal: gone.signal })).rejects.toThrow("gone");
  expect(asked).toBe(0);
});

it.each(["its own", "the exchange's"])(
  "closes the connection when %s signal aborts",
  async (which) => {
    const told = new AbortController();
    const closed = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    const answer: Answer = (_request, response) => {
      response.on("close", closed.resolve);
      arrived.resolve();
    };
    const calls = await callsTo(answer, which === "its own" ? undefined : told);
    const signal = which === "its own" ? { signal: told.signal } : {};
    const call = calls.fetch("search", "/", signal);
    await arrived.promise;
    told.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
    await closed.promise;
  },
);

it("rejects a body that is being read when its signal aborts, also where all of it has come", async () => {
  for (const end of [true, false]) {
    const told = new AbortController();
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const calls = await callsTo((_request, response) => {
      response.write("body");
      if (end) {
        response.end();
      }
    });
    // oxlint-disable-next-line no-await-in-loop -- as above
    const response = await calls.fetch("search", "/", { signal: told.signal });
    told.abort(new Error("enough"));
    // oxlint-disable-next-line no-await-in-loop -- as above
    await expect(response.text()).rejects.toThrow("enough");
  }
});

it("breaks the request off where its body throws, or has another length than it says", async () => {
  const arrived = Promise.withResolvers<void>();
  const outcomes: string[] = [];
  const calls = await callsTo((request) => {
    request.on("data", () => arrived.resolve());
    request.on("end", () => outcomes.push("end"));
    request.on("error", () => outcomes.push("broken"));
  });
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("first");
    await arrived.promise;
    throw new Error("the source failed");
  }
  async function* five(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("12345");
  }
  const post = (body: AsyncIterable<Uint8Array>, length?: string) =>
    calls.fetch("search", "/", {
      method: "POST",
      body,
      headers: length === undefined ? {} : { "Content-Length": length },
    });
  await expect(post(failing())).rejects.toThrow("the source failed");
  await expect(post(five(), "6")).rejects.toThrow("has less bytes than its Content-Length of 6");
  await expect(post(five(), "4")).rejects.toThrow("has more bytes than its Content-Length of 4");
  const text = ReadableStream.from(["text"]) as unknown as ReadableStream<Uint8Array>;
  await expect(post(text)).rejects.toMatchObject({ code: "invalid-argument" });
  // Of the others, nothing may have gone out.
  await until(() => outcomes.length > 0, "the host has seen the first");
  expect(new Set(outcomes)).toEqual(new Set(["broken"]));
});

it("stops an upload when the whole answer has come, and keeps the answer", async () => {
  const calls = await callsTo((_request, response) => void response.end("early"));
  let cancelled: unknown;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(Buffer.alloc(65_536)),
    cancel: () => {
      cancelled = true;
    },
  });
  const response = await calls.fetch("search", "/", { method: "POST", body: endless });
  expect(await response.text()).toBe("early");
  await until(() => cancelled === true, "the source is told");
});

it("holds an upload back that nobody reads", async () => {
  const calls = await callsTo((_request, response) => response.flushHeaders());
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(Buffer.alloc(65_536));
      },
    },
    { highWaterMark: 0 },
  );
  const response = await calls.fetch("search", "/", { method: "POST", body: endless });
  let before = -1;
  await until(() => {
    const isSame = pulled === before;
    before = pulled;
    return isSame;
  }, "it has stopped");
  expect(pulled).toBeLessThan(64);
  await response.body?.cancel();
});

it("refuses what can't be sent", async () => {
  const calls = await callsTo((_request, response) => void response.end());
  for (const call of [
    calls.fetch("a/b", "/"),
    calls.fetch("search", "x"),
    calls.fetch("search", "/", { method: "GET /" }),
    calls.fetch("search", "/", { method: "CONNECT" }),
    calls.fetch("search", "/", { headers: { "x y": "1" } }),
    calls.fetch("search", "/", { headers: { x: "a\r\nb" } }),
  ]) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await expect(call).rejects.toMatchObject({ code: "invalid-argument" });
  }
});

it("cancels what still runs when the plugin has closed, and takes no more", async () => {
  const directory = opened.use(await TemporaryDirectory.make());
  const closed: string[] = [];
  const server = createServer((request, response) => {
    response.once("close", () => closed.push(request.url ?? ""));
    if (request.url === "/search/body") {
      response.write("half");
    }
  });
  server.listen(directory.socketPath);
  await once(server, "listening");
  const calls = new HostCalls({ path: directory.socketPath }, "the-token");
  const plugins = calls.within(undefined);
  const head = plugins.fetch("search", "/head");
  const half = await plugins.fetch("search", "/body");
  const closing = new ServeHTTPError("plugin-closing", "the plugin is closing");
  calls.close(closing);
  await expect(head).rejects.toBe(closing);
  await expect(half.text()).rejects.toBe(closing);
  await expect(plugins.fetch("search", "/late")).rejects.toBe(closing);
  await until(() => closed.length === 2, "the host sees that both are given up");
  server.close();
  await once(server, "close");
});
