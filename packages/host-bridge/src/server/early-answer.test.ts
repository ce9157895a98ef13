import { randomBytes } from "node:crypto";
import { createServer as createHttp2Server } from "node:http2";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { afterEach, describe, expect, it, vi } from "vitest";
import { until } from "@servehttp/testkit";
import { lingerSilenceMsMax } from "../limits.js";
import { fastPathOf } from "../fast-path/install.js";
import { Bridge } from "../test-rig/bridge.js";
import { connectHttp2, Http2Stream } from "../test-rig/http2-stream.js";
import { RawClient } from "../test-rig/raw-client.js";

afterEach(() => {
  vi.useRealTimers();
});

/** Answers 413 without reading, or as the url says. */
const refusing: PluginHandler = {
  async serveHTTP(request, response) {
    switch (request.url) {
      case "/reads-first":
        for await (const _ of request.body) {
          break;
        }
        break;
      case "/streams":
        response.writeHead(413);
        await response.write("too ");
        await response.flush();
        await response.end("large");
        return;
      case "/echo":
        for await (const chunk of request.body) {
          await response.write(chunk);
        }
        return;
      case "/marker":
        await response.end("the marker");
        return;
      default:
    }
    response.writeHead(413);
    await response.end("too large");
  },
};

const uploadBytes = 4_194_304;

/** A plain request is read by the fast path, one with TE by Node. */
const readers: readonly [string, readonly string[]][] = [
  ["the fast path", []],
  ["Node", ["TE: trailers"]],
];

describe.each(readers)("D2 an early answer to a request that %s reads", (reader, fields) => {
  const post = (path: string, ...more: readonly string[]) => [
    `POST /plugins/notes${path} HTTP/1.1`,
    "Host: a",
    ...fields,
    ...more,
    "",
    "",
  ];

  it.each(["/", "/reads-first", "/streams"])(
    "%s arrives at a client that sends all of its body first",
    async (path) => {
      await using bridge = await Bridge.start(refusing);
      using client = await RawClient.connect(bridge.port);
      client.send(...post(path, `Content-Length: ${uploadBytes}`));
      // As Apache and Varnish do: what comes back is read when all has been sent.
      client.socket.pause();
      const body = randomBytes(uploadBytes);
      let sent = false;
      client.socket.end(body, () => {
        sent = true;
      });
      await until(() => sent, "the whole upload is sent");
      client.socket.resume();
      await client.closed();
      expect(client.failure).toBeUndefined();
      expect(client.received).toMatch(/^HTTP\/1\.1 413 /);
      expect(client.received).toMatch(/\r\nConnection: close\r\n/i);
      expect(client.received).toMatch(/too (?:\r\n\d\r\n)?large/);
      expect(bridge.inFlight).toBe(0);
    },
  );

  it("says so, and ends the host's side at once, while the client still sends", async () => {
    await using bridge = await Bridge.start(refusing);
    using client = await RawClient.connect(bridge.port);
    client.send(...post("/", `Content-Length: ${uploadBytes}`));
    client.socket.write(randomBytes(1_000_000));
    await until(() => client.ended, "the host ends its side");
    expect(client.received).toMatch(/\r\nConnection: close\r\n.*too large$/s);
    expect(client.socket.destroyed).toBe(false);
    client.socket.end(randomBytes(uploadBytes - 1_000_000));
    await client.closed();
    expect(client.failure).toBeUndefined();
  });

  it("keeps the connection where what is left is little", async () => {
    await using bridge = await Bridge.start(refusing);
    using client = await RawClient.connect(bridge.port);
    client.send(...post("/", "Content-Length: 200000"));
    expect(await client.take("too large")).not.toMatch(/connection: close/i);
    client.socket.write(randomBytes(200_000));
    client.send(...post("/marker", "Content-Length: 0"));
    await client.take("the marker");
    const { served } = fastPathOf(bridge.server) ?? {};
    expect(served).toBe(reader === "Node" ? 0 : 2);
  });

  it("keeps the connection of an upload that is read while its response goes out", async () => {
    await using bridge = await Bridge.start(refusing);
    using client = await RawClient.connect(bridge.port);
    client.send(...post("/echo", "Content-Length: 1000000"));
    client.socket.write("x");
    expect(await client.take("\r\n1\r\nx\r\n")).not.toMatch(/connection: close/i);
    client.socket.write(Buffer.alloc(999_999, "y"));
    await client.take("\r\n0\r\n\r\n");
    client.send(...post("/marker", "Content-Length: 0"));
    await client.take("the marker");
  });

  it("is followed by no further request, whatever the client sends behind it", async () => {
    let served = 0;
    await using bridge = await Bridge.start({
      async serveHTTP(request, response) {
        served += 1;
        response.writeHead(413);
        await response.end(request.url);
      },
    });
    using client = await RawClient.connect(bridge.port);
    client.send(...post("/first", "Content-Length: 300000"));
    await until(() => client.ended, "the host ends its side");
    client.socket.write(Buffer.alloc(300_000));
    client.send(...post("/second", "Content-Length: 0"));
    await cutOff(client);
    expect([served, client.received.includes("/second")]).toEqual([1, false]);
  });

  it("cuts off a client that stays silent", async () => {
    await using bridge = await Bridge.start(refusing);
    using first = await RawClient.connect(bridge.port);
    using client = await RawClient.connect(bridge.port);
    // The timer that exchanges share stays from the first one on.
    first.send(...post("/", "Content-Length: 0"));
    await first.take("\r\n\r\n");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    client.send(...post("/", `Content-Length: ${uploadBytes}`));
    await until(() => client.ended, "the host ends its side");
    await until(() => vi.getTimerCount() === 1, "only the time of silence is left");
    vi.advanceTimersByTime(lingerSilenceMsMax);
    vi.useRealTimers();
    await cutOff(client);
    expect(bridge.inFlight).toBe(0);
  });

  it("leaves a server that closes all connections", async () => {
    await using bridge = await Bridge.start(refusing);
    using client = await RawClient.connect(bridge.port);
    client.send(...post("/", `Content-Length: ${uploadBytes}`));
    await until(() => client.ended, "the host ends its side");
    (bridge.server as { closeAllConnections?(): void }).closeAllConnections?.();
    await cutOff(client);
    expect(bridge.inFlight).toBe(0);
  });
});

/** Resolves when the host has closed the connection, of which a client learns that writes. */
async function cutOff(client: RawClient): Promise<void> {
  await until(() => {
    client.socket.write("x");
    return client.socket.closed;
  }, "the connection is closed");
}

describe("D2 an early answer to a pipelined request", () => {
  it("waits for the response before it, which is not cut", async () => {
    const slow = Promise.withResolvers<void>();
    await using bridge = await Bridge.start({
      async serveHTTP(request, response) {
        if (request.url === "/slow") {
          await response.write("begun, ");
          await slow.promise;
          await response.end("and whole");
        } else {
          response.writeHead(413);
          await response.end("too large");
        }
      },
    });
    using client = await RawClient.connect(bridge.port);
    client.send(
      "GET /plugins/notes/slow HTTP/1.1\r\nHost: a\r\n\r\n" +
        `POST /plugins/notes/ HTTP/1.1\r\nHost: a\r\nContent-Length: ${uploadBytes}\r\n\r\n`,
    );
    await client.take("begun, ");
    client.socket.end(randomBytes(uploadBytes));
    await until(() => bridge.host.plugins[0]?.outcomes.ok === 1, "the upload has its answer");
    slow.resolve();
    await client.take("and whole");
    await client.take("too large");
    await client.closed();
    expect(client.failure).toBeUndefined();
  });
});

describe("D2 an early answer to a chunked request", () => {
  it("says that the connection closes, and reads on", async () => {
    await using bridge = await Bridge.start(refusing);
    using client = await RawClient.connect(bridge.port);
    client.send("POST /plugins/notes/ HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "", "");
    await until(() => client.ended, "the host ends its side");
    expect(client.received).toMatch(/\r\nConnection: close\r\n.*too large$/s);
    for (let chunk = 0; chunk < 64; chunk += 1) {
      client.socket.write("10000\r\n");
      client.socket.write(randomBytes(65_536));
      client.socket.write("\r\n");
    }
    client.socket.end("0\r\n\r\n");
    await client.closed();
    expect(client.failure).toBeUndefined();
  });
});

describe("D2 an early answer on HTTP/2", () => {
  it("leaves the stream open to an upload that goes on, and resets nothing", async () => {
    await using bridge = await Bridge.start(refusing, { server: createHttp2Server() });
    await using session = await connectHttp2(bridge.port);
    const post = { ":method": "POST", ":path": "/plugins/notes/" };
    const upload = new Http2Stream(session, post, false);
    await until(() => upload.ended, "the answer");
    expect([upload.status, upload.body]).toEqual([413, "too large"]);
    upload.stream.end(randomBytes(uploadBytes));
    await upload.closed();
    expect(upload.resetCode).toBe(0);
    const next = new Http2Stream(session, { ":path": "/plugins/notes/marker" });
    await next.closed();
    expect(next.body).toBe("the marker");
  });
});

describe("Q6 a body that its client holds back", () => {
  const post = (path: string, bytes: number) => [
    `POST /plugins/${path} HTTP/1.1`,
    "Host: a",
    "Expect: 100-continue",
    `Content-Length: ${bytes}`,
    "",
    "",
  ];

  it.each([
    ["a plugin", "notes/"],
    ["the host, for a plugin that is not there", "none/"],
    ["the host, for a path that names no plugin", "a%20b/"],
  ])("is not asked for by a refusal of %s, which closes the connection", async (_by, path) => {
    await using bridge = await Bridge.start(refusing);
    using client = await RawClient.connect(bridge.port);
    client.send(...post(path, 3));
    await until(() => client.ended, "the host ends its side");
    expect(client.received).toMatch(/^HTTP\/1\.1 4\d\d .*\r\nConnection: close\r\n/is);
    expect(client.received).not.toContain("100 Continue");
    // Go sends a refused body all the same unless the answer says close, and then it may be late.
    client.socket.end("abc");
    await client.closed();
    expect(client.failure).toBeUndefined();
  });

  it("can come at once, and then the connection goes on", async () => {
    await using bridge = await Bridge.start({
      serveHTTP: async (request, response) =>
        response.end(`read ${(await request.bytes()).length} of ${request.url}`),
    });
    using client = await RawClient.connect(bridge.port);
    client.send(
      post("notes/first", 3).join("\r\n") +
        "abc" +
        "POST /plugins/notes/next HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    );
    expect(await client.take("read 3 of /first")).not.toMatch(/connection: close/i);
    await client.take("read 0 of /next");
  });
});
