import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { PluginHandler } from "@servehttp/plugin-sdk";
import { describe, expect, it } from "vitest";
import { until } from "@servehttp/testkit";
import { createPluginHost } from "../create-plugin-host.js";
import type { HostOptions, NodeRequest } from "../options/options.js";
import { Bridge } from "../test-rig/bridge.js";
import { logRecords } from "../test-rig/log-records.js";
import { RawClient } from "../test-rig/raw-client.js";

/** Answers with what the host says of the client, and counts its requests. */
function echo(): PluginHandler & { calls: number } {
  const handler = {
    calls: 0,
    async serveHTTP(request: Request, response: Response) {
      handler.calls += 1;
      const user = request.headers.get("x-user");
      await response.end(JSON.stringify({ user, context: request.context }));
    },
  };
  return handler;
}
type ServeHTTP = Extract<PluginHandler, { serveHTTP: unknown }>["serveHTTP"];
type Request = Parameters<ServeHTTP>[0];
type Response = Parameters<ServeHTTP>[1];

const get = ["GET /plugins/notes/ HTTP/1.1", "Host: a", "", ""];

async function bridgeWith(
  handler: PluginHandler,
  options: Omit<HostOptions, "plugins">,
): Promise<{ bridge: Bridge; records: readonly Record<string, unknown>[] }> {
  const { logger, records } = logRecords();
  return { bridge: await Bridge.start(handler, { host: { logger, ...options } }), records };
}

async function ask(port: number, headers: Record<string, string> = {}) {
  const response = await fetch(`http://127.0.0.1:${port}/plugins/notes/`, { headers });
  return { status: response.status, text: await response.text() };
}

describe("identity and context", () => {
  it.each([
    ["at once", <T>(value: T) => value],
    ["later", <T>(value: T) => Promise.resolve(value)],
    [
      "by somebody else's promise",
      // As a promise of another library is one.
      // oxlint-disable-next-line unicorn/no-thenable
      <T>(value: T) => ({ then: (go: (value: T) => void) => go(value) }) as Promise<T>,
    ],
  ])("reach the plugin, known %s", async (_how, give) => {
    const { bridge } = await bridgeWith(echo(), {
      identity: () => give({ "X-User": "ada" }),
      context: () => give({ tenant: "acme" }),
    });
    await using _ = bridge;
    const { status, text } = await ask(bridge.port, { "x-user": "mallory" });
    expect([status, JSON.parse(text)]).toEqual([200, { user: "ada", context: { tenant: "acme" } }]);
  });

  const failure = new Error("the directory is down");
  it.each<[string, Omit<HostOptions, "plugins">]>([
    [
      "identity throws",
      {
        identity: () => {
          throw failure;
        },
      },
    ],
    ["identity rejects", { identity: () => Promise.reject(failure) }],
    [
      "context throws",
      {
        context: () => {
          throw failure;
        },
      },
    ],
    ["context rejects", { identity: () => ({}), context: () => Promise.reject(failure) }],
  ])("answers 500 where %s, and logs why", async (_what, options) => {
    const handler = echo();
    const { bridge, records } = await bridgeWith(handler, options);
    await using _ = bridge;
    const { status, text } = await ask(bridge.port);
    expect([status, handler.calls, bridge.inFlight]).toEqual([500, 0, 0]);
    expect(text).not.toContain("directory");
    expect(records).toContainEqual(
      expect.objectContaining({
        level: 50,
        plugin: "notes",
        requestId: expect.any(String),
        err: expect.objectContaining({ message: "the directory is down" }),
      }),
    );
  });

  it.each<[string, unknown, string]>([
    [
      "65 entries",
      Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, ""])),
      "context: 65 entries, where 64 are allowed",
    ],
    [
      "too many bytes",
      { name: "\u20ac".repeat(5_461) },
      "context: 16387 bytes, where 16384 are allowed",
    ],
    ["a number", { age: 7 }, 'context: the value of "age" is no string'],
  ])("answers 500 for a context of %s", async (_what, context, message) => {
    for (const give of [() => context, () => Promise.resolve(context)]) {
      const handler = echo();
      const { bridge, records } = await bridgeWith(handler, { context: give as never });
      await using _ = bridge;
      expect([(await ask(bridge.port)).status, handler.calls]).toEqual([500, 0]);
      expect(records.map(({ err }) => (err as Error | undefined)?.message)).toContain(message);
    }
  });

  it("takes the largest context that is allowed", async () => {
    const context = Object.fromEntries(
      Array.from({ length: 64 }, (_, index) => [String(index).padStart(2, "0"), "x".repeat(254)]),
    );
    const { bridge } = await bridgeWith(echo(), { context: () => context });
    await using _ = bridge;
    const { text } = await ask(bridge.port);
    expect((JSON.parse(text) as { context: unknown }).context).toEqual(context);
  });

  it("keep a request from the plugin whose client leaves while they run", async () => {
    const handler = echo();
    const asked: NodeRequest[] = [];
    const { promise, resolve } = Promise.withResolvers<object>();
    const { bridge } = await bridgeWith(handler, {
      identity: (request) => {
        asked.push(request);
        return promise as Promise<Record<string, string>>;
      },
    });
    await using _ = bridge;
    using client = await RawClient.connect(bridge.port);
    client.send(...get);
    await until(() => asked.length === 1, "identity is asked");
    client.socket.destroy();
    await until(() => asked[0]!.socket.destroyed, "the host has seen it");
    resolve({});
    expect((await ask(bridge.port)).status).toBe(200);
    expect(handler.calls).toBe(1);
  });

  it("don't send a request to an instance that went while they ran", async () => {
    const { promise, resolve } = Promise.withResolvers<Record<string, string>>();
    const asked: NodeRequest[] = [];
    const { bridge } = await bridgeWith(echo(), {
      identity: (request) => {
        asked.push(request);
        return promise;
      },
    });
    await using _ = bridge;
    const answer = ask(bridge.port);
    await until(() => asked.length === 1, "identity is asked");
    await bridge.host.reload("notes");
    resolve({});
    expect((await answer).status).toBe(200);
  });

  it("let no more requests through than the plugin's limit", async () => {
    const { promise, resolve } = Promise.withResolvers<Record<string, string>>();
    let asked = 0;
    const go = Promise.withResolvers<void>();
    const { bridge, records } = await bridgeWith(
      {
        async serveHTTP(_request, response) {
          await go.promise;
          await response.end();
        },
      },
      {
        limits: { maxInFlight: 2 },
        identity: () => {
          asked += 1;
          return promise;
        },
      },
    );
    await using _ = bridge;
    const answers = Array.from({ length: 5 }, () => ask(bridge.port));
    await until(() => asked === 5, "identity is asked for all");
    resolve({});
    const refused = answers.map((one) => one.then(({ status }) => status === 503 && go.resolve()));
    await Promise.all(refused);
    const statuses = await Promise.all(answers.map(async (one) => (await one).status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(2);
    expect(statuses.filter((status) => status === 503)).toHaveLength(3);
    // H4: those that were refused are counted, too, and told of once.
    await until(() => bridge.host.plugins[0]?.inFlight === 0, "the exchanges are over");
    expect(bridge.host.plugins[0]?.outcomes).toEqual({ ok: 2, overload: 3 });
    expect(records.filter(({ msg }) => /are refused/.test(String(msg)))).toMatchObject([
      { level: 40, plugin: "notes", code: "overload", refused: 1 },
    ]);
  });
});

describe("the listener", () => {
  it("refuses a body that something in front has read, and says so in the log", async () => {
    const { logger, records } = logRecords();
    const handler = echo();
    await using bridge = await Bridge.start(handler, {
      host: { logger },
      attach: false,
      wire: (server, host) => {
        server.on("request", (request, response: ServerResponse) => {
          request.resume();
          request.once("end", () => host.listener(request, response));
        });
      },
    });
    const response = await fetch(`http://127.0.0.1:${bridge.port}/plugins/notes/`, {
      method: "POST",
      body: "gone",
    });
    expect([response.status, handler.calls]).toEqual([500, 0]);
    expect(records).toContainEqual(
      expect.objectContaining({
        msg: "the host could not pass a request on",
        err: expect.objectContaining({
          message: expect.stringContaining("put body parsers behind it"),
        }),
      }),
    );
    expect((await ask(bridge.port)).status).toBe(200);
  });

  it.each([
    [400, "/plugins/notes/", "notes", "more than one Host", ["Host: a", "Host: b"]],
    [400, "/plugins/notes/", "notes", "an invalid Host", ["Host: a b"]],
    [404, "/plugins/a%20b/", "", "the path names no plugin", ["Host: a"]],
  ])(
    "counts a bad request, and says at level debug why it answers %i",
    async (status, path, plugin, reason, fields) => {
      const { bridge, records } = await bridgeWith(echo(), {});
      await using _ = bridge;
      using client = await RawClient.connect(bridge.port);
      client.send(`GET ${path} HTTP/1.1`, ...fields, "", "");
      await client.take(`HTTP/1.1 ${status} `);
      expect(records.filter(({ reason: one }) => one !== undefined)).toMatchObject([
        { level: 20, status, reason, plugin, msg: "a request was refused at the edge" },
      ]);
      const outcomes = plugin === "" ? {} : { "bad-request": 1 };
      expect(bridge.host.plugins[0]?.outcomes).toEqual(outcomes);
    },
  );

  it("asks for the body of a request for a handler in process, as Node does", async () => {
    const host = createPluginHost({
      logger: false,
      plugins: {
        legacy: {
          handler: async (request, response) => {
            const chunks: Buffer[] = [];
            for await (const chunk of request) {
              chunks.push(chunk as Buffer);
            }
            (response as ServerResponse).end(Buffer.concat(chunks));
          },
        },
      },
    });
    const server = host.attach(createServer()).listen(0, "127.0.0.1");
    await once(server, "listening");
    using client = await RawClient.connect((server.address() as { port: number }).port);
    client.send(
      "POST /plugins/legacy/ HTTP/1.1",
      "Host: a",
      "Expect: 100-continue",
      "Content-Length: 4",
      "",
      "",
    );
    await client.take("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("body");
    expect(await client.take("body")).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    server.close();
    await host.stop();
  });

  it("leaves nothing on a connection that many requests came by", async () => {
    await using bridge = await Bridge.start(echo());
    const sockets = new Set<Socket>();
    bridge.server.on("connection", (socket) => void sockets.add(socket));
    using client = await RawClient.connect(bridge.port);
    const counts: number[] = [];
    for (let round = 0; round < 50; round += 1) {
      client.send(...get);
      await client.take("}");
      const socket = [...sockets][0]!;
      await until(() => socket.listenerCount("close") === 1, "Node has let go of the response");
      counts.push(socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name), 0));
    }
    expect(counts[49]).toBe(counts[1]);
    expect(bridge.inFlight).toBe(0);
  });
});
