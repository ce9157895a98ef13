import {
  constants,
  createServer,
  type Http2ServerResponse,
  type ServerHttp2Stream,
} from "node:http2";
import { afterEach, describe, expect, it, vi } from "vitest";
import { clientPreface, dataFrame, headersFrame, resetFrame, until } from "@servehttp/testkit";
import { discardMsMax } from "../limits.js";
import { Bridge, type BridgeOptions } from "../test-rig/bridge.js";
import { connectHttp2, Http2Stream } from "../test-rig/http2-stream.js";
import { RawClient } from "../test-rig/raw-client.js";
import type { PluginHandler } from "@servehttp/plugin-sdk";

const carriers = ["mux", "stream"] as const;

interface Http2Bridge {
  readonly bridge: Bridge;
  /** The server's ends of all streams that are open. */
  readonly open: ReadonlySet<ServerHttp2Stream>;
}

async function start(handler: PluginHandler, options: BridgeOptions = {}): Promise<Http2Bridge> {
  const server = createServer();
  const open = new Set<ServerHttp2Stream>();
  server.on("stream", (stream) => {
    open.add(stream);
    stream.once("close", () => open.delete(stream));
  });
  return { bridge: await Bridge.start(handler, { server, ...options }), open };
}

afterEach(() => {
  vi.useRealTimers();
});

const get = { ":path": "/plugins/notes/" };
const post = { ":method": "POST", ":path": "/plugins/notes/" };

describe("Http2Response", () => {
  it.each(carriers)(
    "takes no upload for complete that its client cut off (%s)",
    async (carrier) => {
      const came: string[] = [];
      const { bridge } = await start(
        {
          async serveHTTP(request) {
            try {
              came.push(`complete: ${await request.text()}`);
            } catch {
              came.push("cut off");
            }
          },
        },
        { plugin: { carrier } },
      );
      await using _ = bridge;
      using client = await RawClient.connect(bridge.port);
      client.socket.write(clientPreface);
      const codes = [
        constants.NGHTTP2_NO_ERROR,
        constants.NGHTTP2_CANCEL,
        constants.NGHTTP2_INTERNAL_ERROR,
      ];
      for (const [index, code] of codes.entries()) {
        const streamId = 1 + 2 * index;
        client.socket.write(
          Buffer.concat([
            headersFrame(
              streamId,
              Object.entries({ ...post, ":scheme": "http", ":authority": "a" }),
            ),
            dataFrame(streamId, "the first half"),
          ]),
        );
        await until(() => bridge.plugin.inFlight === 1, "the handler runs");
        client.socket.write(resetFrame(streamId, code));
        await until(() => came.length === index + 1, "the handler's body ends");
      }
      expect(came).toEqual(["cut off", "cut off", "cut off"]);
      await until(() => bridge.inFlight === 0, "no exchange is left");
    },
  );

  it("answers a status that HTTP/2 has no body for, whatever the plugin writes", async () => {
    const { bridge } = await start({
      async serveHTTP(request, response) {
        response.writeHead(Number(request.url.slice(1)));
        await response.write("one");
        await response.flush();
        await response.write("two");
        await response.end();
      },
    });
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    for (const status of [204, 205, 304]) {
      const stream = new Http2Stream(session, { ":path": `/plugins/notes/${status}` });
      await stream.closed();
      expect([stream.status, stream.body, stream.resetCode]).toEqual([status, "", 0]);
    }
    expect(bridge.host.plugins[0]?.outcomes).toEqual({ ok: 3 });
  });

  it("closes the stream of an early answer whose client goes on sending, behind the trailers", async () => {
    const { bridge, open } = await start({
      async serveHTTP(_request, response) {
        response.trailers.append("x-sum", "1");
        await response.write("early");
        await response.end();
      },
    });
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const upload = new Http2Stream(session, post, false);
    const chunk = Buffer.alloc(16_384);
    const more = () => {
      while (!upload.stream.destroyed && upload.stream.write(chunk)) {
        // Until the host takes no more.
      }
    };
    upload.stream.on("drain", more);
    more();
    await until(() => upload.ended, "the answer");
    expect([upload.status, upload.body]).toEqual([200, "early"]);
    expect(upload.trailers).toMatchObject({ "x-sum": "1" });
    await until(() => open.size === 0, "no stream is left");
  });

  it("keeps no stream open for a request that its client never ends", async () => {
    const { bridge, open } = await start({
      serveHTTP: (_request, response) => response.end("early"),
    });
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    for (const fields of [post, { ...post, expect: "100-continue" }]) {
      const upload = new Http2Stream(session, fields, false);
      upload.stream.write("a little");
      await until(() => upload.ended, "the answer");
    }
    expect(open.size).toBe(2);
    vi.advanceTimersByTime(discardMsMax);
    vi.useRealTimers();
    await until(() => open.size === 0, "no stream is left");
    expect(bridge.inFlight).toBe(0);
  });

  it("asks for a body once, and only one that is held back", async () => {
    const { bridge } = await start({
      async serveHTTP(request, response) {
        await response.informational(100, []);
        await response.informational(103, [["link", "</a>"]]);
        await response.informational(103, [["link", "</b>"]]);
        await response.end(await request.text());
      },
    });
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const plain = new Http2Stream(session, get);
    await plain.closed();
    expect(plain.informational.map((fields) => fields[":status"])).toEqual([103, 103]);

    const expecting = new Http2Stream(session, { ...post, expect: "100-continue" }, false);
    await until(() => expecting.informational.length >= 3, "the interim responses");
    expecting.stream.end("body");
    await expecting.closed();
    expect(expecting.informational.map((fields) => fields[":status"])).toEqual([100, 103, 103]);
    expect(expecting.body).toBe("body");
  });

  it("refuses without asking for a body that is held back", async () => {
    const { bridge, open } = await start({
      async serveHTTP(_request, response) {
        response.writeHead(403);
        await response.end("no");
      },
    });
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const expecting = new Http2Stream(session, { ...post, expect: "100-continue" }, false);
    await until(() => expecting.ended, "the answer");
    expect([expecting.status, expecting.informational]).toEqual([403, []]);
    expecting.stream.end();
    await until(() => open.size === 0, "no stream is left");
  });

  it("breaks a response whose length is wrong, and leaves its neighbours alone", async () => {
    const go = Promise.withResolvers<void>();
    const arrived: Record<string, PromiseWithResolvers<void>> = {
      "/long": Promise.withResolvers(),
      "/short": Promise.withResolvers(),
    };
    const { bridge } = await start({
      async serveHTTP(request, response) {
        if (request.url === "/neighbour") {
          await response.write("first ");
          await response.flush();
          await go.promise;
          await response.end("second");
          return;
        }
        response.headers.set("content-length", "10");
        await response.write("x");
        await arrived[request.url]?.promise;
        if (request.url === "/long") {
          await response.write("x".repeat(10));
        }
      },
    });
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const neighbour = new Http2Stream(session, { ":path": "/plugins/notes/neighbour" });
    await until(() => neighbour.body === "first ", "the neighbour's first chunk");
    for (const path of ["long", "short"]) {
      const stream = new Http2Stream(session, { ":path": `/plugins/notes/${path}` });
      await until(() => stream.body === "x", "the first byte");
      arrived[`/${path}`]?.resolve();
      await stream.closed();
      expect(stream.resetCode).toBe(constants.NGHTTP2_INTERNAL_ERROR);
    }
    go.resolve();
    await neighbour.closed();
    expect([neighbour.body, neighbour.resetCode]).toEqual(["first second", 0]);
  });

  it("writes nothing where somebody else has answered in the meantime", async () => {
    const go = Promise.withResolvers<void>();
    const answers: Http2ServerResponse[] = [];
    const { bridge } = await start(
      {
        async serveHTTP(_request, response) {
          await go.promise;
          await response.end("late");
        },
      },
      {
        attach: false,
        wire: (server, host) => {
          server.on("request", (request, response: Http2ServerResponse) => {
            answers.push(response);
            host.listener(request, response);
          });
        },
      },
    );
    await using _ = bridge;
    await using session = await connectHttp2(bridge.port);
    const stream = new Http2Stream(session, get);
    await until(() => bridge.inFlight === 1, "the exchange runs");
    answers[0]?.writeHead(503);
    answers[0]?.write("ti");
    go.resolve();
    await until(() => bridge.inFlight === 0, "the exchange is over");
    answers[0]?.end("me");
    await stream.closed();
    expect([stream.status, stream.body, stream.resetCode]).toEqual([503, "time", 0]);
    expect(bridge.host.plugins[0]?.outcomes).toEqual({ "client-disconnected": 1 });
  });
});
