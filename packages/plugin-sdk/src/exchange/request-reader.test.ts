import { describe, expect, it } from "vitest";
import type { PluginRequest } from "../handler/plugin-request.js";
import { callHandler, type TestRequest } from "../testing/testing.js";

describe("PluginRequest", () => {
  it("shows all that is known of a request", async () => {
    const deadline = new Date("2030-01-02T03:04:05.678Z");
    await withRequest(
      {
        method: "PATCH",
        url: "/a%2Fb?q=1",
        basePath: "/plugins/x",
        protocol: "HTTP/2.0",
        scheme: "https",
        host: "example.test:8443",
        remoteAddress: "[2001:db8::1]:4711",
        headers: [
          ["X-M", "1"],
          ["x-m", "caf\u00e9"],
        ],
        body: "12345",
        id: "r-1",
        context: { user: "ada" },
        deadline,
      },
      (request) => {
        expect(request).toMatchObject({
          method: "PATCH",
          url: "/a%2Fb?q=1",
          basePath: "/plugins/x",
          originalUrl: "/plugins/x/a%2Fb?q=1",
          requestUri: "/plugins/x/a%2Fb?q=1",
          protocol: "HTTP/2.0",
          protocolMajor: 2,
          protocolMinor: 0,
          scheme: "https",
          host: "example.test:8443",
          remoteAddress: "[2001:db8::1]:4711",
          contentLength: 5,
          id: "r-1",
          context: { user: "ada" },
        });
        expect(request.headers.getAll("x-m")).toEqual(["1", "caf\u00e9"]);
        expect(request.headers).toBe(request.headers);
        expect(request.deadline).toEqual(deadline);
        expect(request.signal.aborted).toBe(false);
        expect(request.signal).toBe(request.signal);
      },
    );
  });

  it("has no length where it is not known, and no deadline where there is none", async () => {
    await withRequest({ method: "POST", body: chunks("a") }, (request) => {
      expect(request.contentLength).toBeUndefined();
      expect(request.deadline).toBeUndefined();
    });
    await withRequest({}, (request) => expect(request.contentLength).toBe(0));
  });

  it("buffers a body as bytes, text or JSON", async () => {
    await withRequest({ body: chunks("ab", "cd") }, async (request) => {
      expect(Buffer.from(await request.bytes()).toString()).toBe("abcd");
    });
    await withRequest({ body: "\ufeffé…" }, async (request) => {
      expect(await request.text()).toBe("é…");
    });
    await withRequest({ body: '{"a":[1]}' }, async (request) => {
      expect(await request.json()).toEqual({ a: [1] });
    });
    await withRequest({ body: "{" }, async (request) => {
      await expect(request.json()).rejects.toBeInstanceOf(SyntaxError);
    });
    await withRequest({}, async (request) => {
      expect(await request.bytes()).toHaveLength(0);
    });
  });

  it("refuses a body over the limit, declared or not, and can still answer", async () => {
    for (const body of [Buffer.alloc(11), chunks("123456", "78901", "never read")]) {
      // oxlint-disable-next-line no-await-in-loop
      await withRequest({ method: "POST", body }, async (request) => {
        await expect(request.bytes({ limitBytes: 10 })).rejects.toMatchObject({
          code: "body-too-large",
        });
      });
    }
    await withRequest({ body: Buffer.alloc(10) }, async (request) => {
      expect(await request.bytes({ limitBytes: 10 })).toHaveLength(10);
    });
    await withRequest({ body: Buffer.alloc(1_048_577) }, async (request) => {
      await expect(request.text()).rejects.toMatchObject({ code: "body-too-large" });
    });
  });

  it("refuses a limit that is none", async () => {
    await withRequest({ body: "x" }, async (request) => {
      await expect(request.bytes({ limitBytes: Number.NaN })).rejects.toMatchObject({
        code: "invalid-argument",
      });
    });
  });

  it("is read once", async () => {
    await withRequest({ body: "x" }, async (request) => {
      await request.text();
      await expect(request.text()).rejects.toMatchObject({ code: "already-read" });
    });
  });

  it("settles the trailers after the body", async () => {
    await withRequest({ body: chunks("a", "b"), trailers: [["X-Sum", "9"]] }, async (request) => {
      const trailers = request.trailers;
      await request.bytes();
      expect((await trailers).get("x-sum")).toBe("9");
    });
    await withRequest({}, async (request) => {
      expect([...(await request.trailers)]).toEqual([]);
    });
  });
});

/** Lets `check` look at a request from within a handler; what it throws fails the test. */
async function withRequest(
  request: TestRequest,
  check: (request: PluginRequest) => void | Promise<void>,
): Promise<void> {
  let failure: unknown;
  const call = callHandler(
    {
      async serveHTTP(received) {
        try {
          await check(received);
        } catch (error) {
          failure = error;
        }
      },
    },
    request,
  );
  expect((await call.response).status).toBe(200);
  if (failure !== undefined) {
    throw failure;
  }
}

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array, undefined> {
  for (const text of texts) {
    yield Buffer.from(text);
  }
}
