import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectHttp2, constants, type ClientHttp2Session } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import type { ServeHTTPError } from "@servehttp/contract";
import type { PluginHandler } from "../adapters/to-serve-http.js";
import { Pushed } from "../test-rig/pushed.js";
import type { CarrierName } from "../test-rig/stock-exchange.js";
import { StockHost, type StockHostOptions } from "../test-rig/stock-host.js";
import { until } from "@servehttp/testkit";
import { servePlugin } from "./serve-plugin.js";

const local = { address: "127.0.0.1:0", logger: false } as const;

const echo: PluginHandler = {
  async serveHTTP(request, response) {
    for await (const chunk of request.body) {
      await response.write(chunk);
    }
  },
};

const protocols = ["connect", "connect-json", "grpc-json"] as const satisfies readonly NonNullable<
  StockHostOptions["protocol"]
>[];
const carriers: readonly CarrierName[] = ["stream", "mux"];

describe.each(protocols)("a host that speaks %s", (protocol) => {
  it("asks who the plugin is and whether it serves", async () => {
    await using plugin = await servePlugin(echo, local);
    using host = new StockHost(plugin.address, { protocol });
    expect(await host.plugin.describe({ contractVersions: [1] })).toMatchObject({
      contractVersion: 1,
    });
    expect(await host.health.check({})).toMatchObject({ status: 1 });
  });

  describe.each(carriers)("on %s", (carrier) => {
    it("gets echoes while it sends (D1)", async () => {
      await using plugin = await servePlugin(echo, local);
      using host = new StockHost(plugin.address, { protocol });
      const exchange = host.open(carrier);
      let sent = "";
      for (let i = 0; i < 20; i += 1) {
        exchange.sendBody(`${i};`);
        sent += `${i};`;
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await exchange.untilBody(sent);
      }
      exchange.end();
      expect([await exchange.untilOver(), exchange.status, exchange.body]).toEqual([
        "ended",
        200,
        sent,
      ]);
    });

    it("is told that the handler failed, and nothing of why (F1)", async () => {
      const handler: PluginHandler = {
        serveHTTP: () => Promise.reject(new Error("a secret")),
      };
      await using plugin = await servePlugin(handler, local);
      using host = new StockHost(plugin.address, { protocol });
      const exchange = host.open(carrier);
      exchange.end();
      expect(await exchange.untilOver()).toBe(carrier === "stream" ? "Internal" : 5);
      expect(exchange.failure ?? "").not.toContain("secret");
    });

    it("has its handler told when it leaves (D3)", async () => {
      const reason = Promise.withResolvers<ServeHTTPError>();
      const handler: PluginHandler = {
        async serveHTTP(request, response) {
          await response.write("here");
          request.signal.addEventListener("abort", () =>
            reason.resolve(request.signal.reason as ServeHTTPError),
          );
          await new Promise(() => undefined);
        },
      };
      await using plugin = await servePlugin(handler, { ...local, drainMs: 0 });
      const host = new StockHost(plugin.address, { protocol });
      const exchange = host.open(carrier);
      await exchange.untilBody("here");
      host[Symbol.dispose]();
      const code = carrier === "stream" ? "client-disconnected" : "host-stopping";
      expect((await reason.promise).code).toMatch(new RegExp(`^(?:client-disconnected|${code})$`));
      await until(() => plugin.inFlight === 0, "no handler");
    });

    it("is refused without the token before any handler runs (L7)", async () => {
      let calls = 0;
      const handler: PluginHandler = {
        serveHTTP: () => {
          calls += 1;
        },
      };
      await using plugin = await servePlugin(handler, { ...local, token: "right" });
      using host = new StockHost(plugin.address, { protocol, token: "wrong" });
      const exchange = host.open(carrier);
      exchange.end();
      expect([await exchange.untilOver(), calls]).toEqual(["Unauthenticated", 0]);
      await expect(host.plugin.describe({ contractVersions: [1] })).rejects.toMatchObject({
        code: Code.Unauthenticated,
      });
      using right = new StockHost(plugin.address, { protocol, token: "right" });
      const other = right.open(carrier);
      other.end();
      expect([await other.untilOver(), calls]).toEqual(["ended", 1]);
    });

    it("sees running exchanges end when the plugin closes, and the rest given up (L5)", async () => {
      await using plugin = await servePlugin(echo, { ...local, drainMs: 200 });
      using host = new StockHost(plugin.address, { protocol });
      const ends = host.open(carrier);
      ends.sendBody("a");
      await ends.untilBody("a");
      using other = new StockHost(plugin.address, { protocol });
      const stays = other.open(carrier);
      stays.sendBody("b");
      await stays.untilBody("b");
      const closing = plugin.close();
      ends.end();
      expect(await ends.untilOver()).toBe("ended");
      expect(await stays.untilOver()).toBe(carrier === "stream" ? "Unavailable" : 4);
      await closing;
    });
  });

  it("carries bodies whole, at the pace of the slower end (Q3, P11)", async () => {
    await using plugin = await servePlugin(echo, local);
    using host = new StockHost(plugin.address, { protocol });
    const body = randomBytes(3_000_001);
    const requests = new Pushed<
      Parameters<typeof host.plugin.serveHTTP>[0] extends AsyncIterable<infer Message>
        ? Message
        : never
    >();
    requests.push({ init: { method: "POST", url: "/", protocol: "HTTP/1.1", contentLength: -1n } });
    for (let at = 0; at < body.length; at += 65_536) {
      requests.push({ chunk: body.subarray(at, at + 65_536) });
    }
    requests.push({ end: {} });
    requests.end();
    const hash = createHash("sha256");
    for await (const { chunk } of host.plugin.serveHTTP(requests)) {
      hash.update(chunk);
    }
    expect(hash.digest("hex")).toBe(createHash("sha256").update(body).digest("hex"));
  });

  it("breaks an upload that stops without its end (Q7)", async () => {
    const thrown = Promise.withResolvers<unknown>();
    const handler: PluginHandler = {
      async serveHTTP(request) {
        await request.bytes().catch(thrown.resolve);
      },
    };
    await using plugin = await servePlugin(handler, local);
    using host = new StockHost(plugin.address, { protocol });
    const requests = new Pushed<object>();
    requests.push({ init: { method: "POST", url: "/", contentLength: -1n } });
    requests.push({ chunk: Buffer.from("begin") });
    requests.end();
    await expect(arrayOf(host.plugin.serveHTTP(requests))).rejects.toBeInstanceOf(ConnectError);
    expect(await thrown.promise).toMatchObject({ code: "client-disconnected" });
  });

  it("is told of parts in a wrong order (F4)", async () => {
    await using plugin = await servePlugin(echo, local);
    using host = new StockHost(plugin.address, { protocol });
    const requests = new Pushed<object>();
    requests.push({ chunk: Buffer.from("before the head") });
    await expect(arrayOf(host.plugin.serveHTTP(requests))).rejects.toMatchObject({
      code: Code.InvalidArgument,
    });
    requests.end();
  });

  it("leaves no stream open after early answers (D2)", async () => {
    const handler: PluginHandler = {
      async serveHTTP(_request, response) {
        response.writeHead(413);
        await response.end("too large");
      },
    };
    await using plugin = await servePlugin(handler, local);
    using host = new StockHost(plugin.address, { protocol });
    for (let i = 0; i < 50; i += 1) {
      const exchange = host.open("stream");
      exchange.sendBody("x");
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await exchange.untilOver()).toBe("ended");
    }
    await until(() => host.connectionState === "idle", "a connection without streams");
    expect(plugin.inFlight).toBe(0);
  });
});

it("takes what a host still sends after an early answer, so that its stream can end (D2)", async () => {
  const handler: PluginHandler = { serveHTTP: (_request, response) => response.end("early") };
  await using plugin = await servePlugin(handler, local);
  const session = connectHttp2(`http://${plugin.address}`);
  try {
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: "/servehttp.v1.PluginService/ServeHTTP",
      "content-type": "application/connect+json",
    });
    stream.write(enveloped({ init: { method: "POST", url: "/", contentLength: "-1" } }));
    await once(stream.resume(), "end");
    // More than the windows of stream and connection hold.
    const rest = Buffer.alloc(4_000_000);
    await new Promise<void>((resolve, reject) => {
      stream.write(rest, (error) => (error ? reject(error) : resolve()));
    });
    stream.end();
    await once(stream, "close");
    expect(stream.rstCode).toBe(constants.NGHTTP2_NO_ERROR);
  } finally {
    session.destroy();
  }
});

it.each(["text/plain", "application/x-unknown+proto", "application/grpc+thrift", undefined])(
  "answers 415, naming what it speaks, to the content type %s",
  async (contentType) => {
    await using plugin = await servePlugin(echo, local);
    const session = connectHttp2(`http://${plugin.address}`);
    try {
      for (const rpc of ["Describe", "ServeHTTP", "ServeHTTPMux"]) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        const answer = await post(session, `/servehttp.v1.PluginService/${rpc}`, contentType);
        expect(answer).toMatchObject({ ":status": 415 });
        expect(answer["accept-post"]).toContain("application/grpc+proto");
        const json = rpc === "Describe" ? "application/json" : "application/connect+json";
        expect(answer["accept-post"]).toContain(json);
      }
    } finally {
      session.destroy();
    }
  },
);

/** A message of the Connect protocol's streams. */
function enveloped(message: object): Buffer {
  const bytes = Buffer.from(JSON.stringify(message));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
}

function post(
  session: ClientHttp2Session,
  path: string,
  contentType: string | undefined,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: "POST",
      [constants.HTTP2_HEADER_PATH]: path,
      ...(contentType !== undefined && { "content-type": contentType }),
    });
    stream.on("response", (headers) => resolve(headers));
    stream.on("error", reject);
    stream.end();
    stream.resume();
  });
}

async function arrayOf<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const array: Value[] = [];
  for await (const value of values) {
    array.push(value);
  }
  return array;
}
