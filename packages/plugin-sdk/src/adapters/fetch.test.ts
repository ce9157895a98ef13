import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type OutgoingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { brotliCompressSync, deflateSync, gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, it, onTestFinished } from "vitest";
import { callHandler, type TestRequest } from "../testing/testing.js";
import type { FetchContext, FetchHandler } from "./fetch.js";

describe("a fetch handler", () => {
  it("sees the request with an absolute URL, its headers and what fetch has no place for", async () => {
    const { request, context } = await requestOf({
      method: "DELETE",
      url: "/a%2Fb?q=1",
      basePath: "/plugins/x",
      host: "example.test:8080",
      scheme: "https",
      headers: [
        ["X-M", "1"],
        ["X-M", "caf\u00e9"],
        ["Cookie", "a=1"],
      ],
      context: { user: "ada" },
      id: "r-1",
    });
    expect(request.method).toBe("DELETE");
    expect(request.url).toBe("https://example.test:8080/a%2Fb?q=1");
    expect(request.headers.get("x-m")).toBe("1, caf\u00e9");
    expect(request.headers.get("cookie")).toBe("a=1");
    expect(request.headers.get("host")).toBe("example.test:8080");
    expect(context).toMatchObject({
      id: "r-1",
      context: { user: "ada" },
      remoteAddress: "192.0.2.1:50000",
      basePath: "/plugins/x",
      requestUri: "/plugins/x/a%2Fb?q=1",
      deadline: undefined,
    });
    expect(context.request.headers.getAll("x-m")).toHaveLength(2);
  });

  it.each(["", "a/b", "a@b", "a b", "x?y", "x#y", "[::1", "a\\b", "a:b:c", "%zz", "x:99999"])(
    "falls back to localhost for the host %j",
    async (host) => {
      const { request } = await requestOf({ host, url: "//evil/x?y" });
      expect(request.url).toBe("http://localhost//evil/x?y");
    },
  );

  it.each(["[::1]:80", "a.test", "10.0.0.1:8080", "xn--bcher-kva.test"])(
    "takes the host %j",
    async (host) => {
      const { request } = await requestOf({ host, url: "/x" });
      expect(new URL(request.url).host).toBe(host === "[::1]:80" ? "[::1]" : host);
    },
  );

  it("escapes bytes that no URL holds", async () => {
    const { request } = await requestOf({ url: "/caf\u00e9" });
    expect(request.url).toBe("http://plugin.test/caf%E9");
  });

  it("has a Content-Length of 0 for a POST without a body, and none for a GET", async () => {
    const post = await requestOf({ method: "POST" });
    expect(post.request.headers.get("content-length")).toBe("0");
    const get = await requestOf({ method: "GET" });
    expect(get.request.headers.has("content-length")).toBe(false);
  });

  it("sends the reason phrase of the Response", async () => {
    const fetch = () => new Response("x", { status: 404, statusText: "No such note" });
    const response = await callHandler({ fetch }).response;
    expect([response.status, response.reason]).toEqual([404, "No such note"]);
  });

  it.each([
    ["gzip", gzipSync],
    ["x-gzip", gzipSync],
    ["deflate", deflateSync],
    ["br", brotliCompressSync],
    ["deflate, gzip", (page: string) => gzipSync(deflateSync(page))],
  ])("passes on whole what fetch() has decoded from %s (P6)", async (coding, encode) => {
    const page = "hello world ".repeat(500);
    const answer = await fetched(encode(page), { "content-encoding": coding, "x-m": "1" });
    const response = await callHandler({ fetch: answer }).response;
    expect([...response.headers.keys()]).not.toContain("content-encoding");
    expect([...response.headers.keys()]).not.toContain("content-length");
    expect(response.headers.get("x-m")).toBe("1");
    expect(await response.text()).toBe(page);
  });

  it.each(["compress", "gzip, compress"])(
    "leaves alone what fetch() does not decode: %s",
    async (coding) => {
      const answer = await fetched(Buffer.from("encoded"), { "content-encoding": coding });
      const response = await callHandler({ fetch: answer }).response;
      expect(response.headers.get("content-encoding")).toBe(coding);
      expect(response.headers.get("content-length")).toBe("7");
      expect(await response.text()).toBe("encoded");
    },
  );

  it("leaves alone what the handler has encoded itself", async () => {
    const body = gzipSync("hello");
    const headers = { "content-encoding": "gzip", "content-length": String(body.length) };
    const response = await callHandler({ fetch: () => new Response(body, { headers }) }).response;
    expect(response.headers.get("content-encoding")).toBe("gzip");
    expect(gunzipSync(await response.bytes()).toString()).toBe("hello");
  });

  it("streams both bodies, whole and in order", async () => {
    const octets = randomBytes(1_000_003);
    const call = callHandler(
      { fetch: (request) => new Response(request.body, { status: 201 }) },
      { method: "POST", body: octets },
    );
    const response = await call.response;
    expect(response.status).toBe(201);
    expect(sha256(await response.bytes())).toBe(sha256(octets));
  });

  it("answers before the body has come", async () => {
    const body = new PassThrough();
    const call = callHandler(
      { fetch: () => new Response("early", { status: 413 }) },
      { method: "POST", body },
    );
    const response = await call.response;
    expect(response.status).toBe(413);
    expect(await response.text()).toBe("early");
    body.end();
  });

  it("reads no body that the handler does not read", async () => {
    const call = callHandler(
      { fetch: () => new Response(null, { status: 403 }) },
      { method: "PUT", body: "x", expectContinue: true },
    );
    expect((await call.response).status).toBe(403);
    expect(call.informational).toEqual([]);
  });

  it("fails the read of a body that was cut off", async () => {
    const body = new PassThrough();
    const seen = Promise.withResolvers<unknown>();
    callHandler(
      {
        async fetch(request) {
          await request.text().then(seen.resolve, seen.resolve);
          return new Response();
        },
      },
      { method: "POST", body },
    );
    body.write("begin");
    body.destroy(new Error("cut"));
    expect(await seen.promise).toMatchObject({ code: "client-disconnected" });
  });

  it("keeps every Set-Cookie on a line of its own", async () => {
    const headers = new Headers([
      ["set-cookie", "a=1, b"],
      ["set-cookie", "c=2"],
    ]);
    const response = await callHandler({ fetch: () => new Response("", { headers }) }).response;
    expect(response.headers.getAll("set-cookie")).toEqual(["a=1, b", "c=2"]);
  });

  it.each([204, 205, 304])("answers %d without a body", async (status) => {
    const response = await callHandler({ fetch: () => new Response(null, { status }) }).response;
    expect(response.status).toBe(status);
    expect(await response.text()).toBe("");
  });

  it("holds the source of a body that the client does not read", async () => {
    let pulled = 0;
    const source = new ReadableStream({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(65_536));
        if (pulled === 100) {
          controller.close();
        }
      },
    });
    const response = await callHandler({ fetch: () => new Response(source) }).response;
    await turn();
    await turn();
    expect(pulled).toBeLessThan(10);
    expect((await response.bytes()).length).toBe(6_553_600);
  });

  it("aborts the request's signal and cancels the response's body when the client leaves", async () => {
    const cancelled = Promise.withResolvers<unknown>();
    const aborted = Promise.withResolvers<unknown>();
    const call = callHandler({
      fetch(request) {
        request.signal.addEventListener("abort", () => aborted.resolve(request.signal.reason));
        return new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue(Buffer.from("begin")),
            cancel: cancelled.resolve,
          }),
        );
      },
    });
    await call.response;
    call.abort();
    expect(await cancelled.promise).toMatchObject({ code: "client-disconnected" });
    expect(await aborted.promise).toMatchObject({ code: "client-disconnected" });
  });

  it("breaks the transfer when the response's body fails", async () => {
    const source = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from("begin")),
      pull: () => Promise.reject(new Error("source failed")),
    });
    const response = await callHandler({ fetch: () => new Response(source) }).response;
    await expect(response.text()).rejects.toMatchObject({ code: "handler-failed" });
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("boom");
      },
    ],
    ["rejects", () => Promise.reject(new Error("boom"))],
    ["returns no Response", () => "text"],
    ["returns Response.error()", () => Response.error()],
  ])("fails the exchange when it %s", async (_how, answer) => {
    const call = callHandler({ fetch: answer as FetchHandler["fetch"] });
    await expect(call.response).rejects.toMatchObject({ code: "handler-failed" });
  });

  it("answers 501 for methods that fetch does not know", async () => {
    const call = callHandler({ fetch: () => new Response() }, { method: "TRACE" });
    expect((await call.response).status).toBe(501);
  });

  it("leaves the body of a GET to the request behind it", async () => {
    const call = callHandler(
      {
        fetch: async (request, { request: exact }) =>
          new Response(`${request.body === null}:${await exact.text()}`),
      },
      { body: "odd" },
    );
    expect(await (await call.response).text()).toBe("true:odd");
  });
});

async function requestOf(sent: TestRequest): Promise<{ request: Request; context: FetchContext }> {
  const seen = Promise.withResolvers<{ request: Request; context: FetchContext }>();
  const call = callHandler(
    {
      fetch(request, context) {
        seen.resolve({ request, context });
        return new Response();
      },
    },
    sent,
  );
  await call.response;
  return seen.promise;
}

function sha256(octets: Uint8Array): string {
  return createHash("sha256").update(octets).digest("hex");
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A handler that hands on what `fetch()` gives it for a body from a server of Node's. */
async function fetched(
  body: Uint8Array,
  headers: OutgoingHttpHeaders,
): Promise<() => Promise<Response>> {
  const upstream = createServer((_incoming, outgoing) => {
    outgoing.writeHead(200, { ...headers, "content-length": body.length }).end(body);
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  onTestFinished(() => {
    upstream.closeAllConnections();
    upstream.close();
  });
  const { port } = upstream.address() as AddressInfo;
  return () => fetch(`http://127.0.0.1:${port}/`);
}
