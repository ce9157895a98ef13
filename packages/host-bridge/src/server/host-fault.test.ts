import { createServer, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { afterEach, describe, expect, it, vi } from "vitest";
import { turns, until } from "@servehttp/testkit";
import { createPluginHost, type PluginHost } from "../create-plugin-host.js";
import type { NodeServer } from "../client/node-types.js";
import { hostFunctionMsMax } from "../limits.js";
import type { HandlerPluginOptions, HostOptions } from "../options/options.js";
import { Bridge } from "../test-rig/bridge.js";
import { connectHttp2, Http2Stream } from "../test-rig/http2-stream.js";
import { logRecords } from "../test-rig/log-records.js";
import { RawClient } from "../test-rig/raw-client.js";

const get = ["GET /plugins/notes/ HTTP/1.1", "Host: a", "", ""];

afterEach(() => {
  vi.useRealTimers();
});

/** Errors and other values at which a logger, or whoever looks at them, throws in turn. */
const thrown: readonly [string, () => unknown][] = [
  ["a frozen error", () => Object.freeze(new Error("frozen"))],
  [
    "an error whose stack throws",
    () =>
      Object.defineProperty(new Error("no stack"), "stack", {
        get: () => {
          throw new Error("a getter that throws");
        },
      }),
  ],
  [
    "an error that holds itself",
    () =>
      Object.assign(new AggregateError([]), {
        get errors() {
          return [this];
        },
      }),
  ],
  ["an object without a prototype", () => Object.create(null) as unknown],
  ["a revoked proxy", revokedProxy],
  ["undefined", () => undefined],
];

function revokedProxy(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

interface Logged {
  readonly plugin: string;
  readonly err: Error;
  readonly msg: string;
}

/** A bridge whose plugin answers with its calls, and what its host logs. */
async function bridgeWith(options: Omit<HostOptions, "plugins">) {
  const { logger, records } = logRecords("warn");
  let calls = 0;
  const bridge = await Bridge.start(
    { serveHTTP: (_request, response) => response.end(`call ${(calls += 1)}`) },
    { host: { logger, ...options } },
  );
  return { bridge, logged: records as unknown as readonly Logged[] };
}

async function statusOf(port: number, lines: readonly string[] = get): Promise<number> {
  using client = await RawClient.connect(port);
  client.send(...lines);
  const head = await client.take("\r\n\r\n");
  return Number(head.slice(9, 12));
}

describe("H1 identity and context", () => {
  it.each(thrown)("that throw or reject with %s are answered 500", async (_what, make) => {
    let fails = true;
    const failing = (): Record<string, string> => {
      if (fails) {
        throw make();
      }
      return {};
    };
    for (const options of [
      { identity: failing },
      { context: failing },
      { identity: async () => failing() },
      { context: async () => failing() },
    ]) {
      fails = true;
      const { bridge, logged } = await bridgeWith(options);
      await using _ = bridge;
      expect(await statusOf(bridge.port)).toBe(500);
      expect(logged).toMatchObject([{ msg: "the host could not pass a request on" }]);
      fails = false;
      expect(await statusOf(bridge.port)).toBe(200);
    }
  });

  it("whose promise rejects when the other one has thrown are answered 500", async () => {
    const { promise, reject } = Promise.withResolvers<Record<string, string>>();
    const { bridge } = await bridgeWith({
      identity: () => promise,
      context: () => {
        throw new Error("at once");
      },
    });
    await using _ = bridge;
    expect(await statusOf(bridge.port)).toBe(500);
    reject(new Error("later, when nobody waits"));
    await turns(3);
    expect(bridge.inFlight).toBe(0);
  });

  it.each<[string, unknown, string]>([
    ["a number", { "x-user-id": 42 }, 'the value of "x-user-id" is a number, allowed is a string'],
    ["a boolean", { "x-user-id": true }, 'the value of "x-user-id" is a boolean'],
    ["null", { "x-user-id": null }, 'the value of "x-user-id" is null'],
    ["an object", { "x-user-id": { id: 1 } }, 'the value of "x-user-id" is an object'],
    ["a promise", { "x-user-id": Promise.resolve("ada") }, '"x-user-id" is a promise'],
    ["a list", { "x-user-id": ["one", 7] }, '"x-user-id" is an array with a number'],
    ["a set", { "x-user-id": new Set(["ada"]) }, '"x-user-id" is an iterable object'],
    ["text for all", "ada", "identity: got a string, allowed is an object of header names"],
    ["null for all", null, "identity: got null, allowed is an object of header names"],
    ["an array for all", ["x-user-id", "ada"], "identity: got an array, allowed is an object"],
    ["a map for all", new Map([["x-user-id", "ada"]]), "identity: got an iterable object"],
    ["Headers for all", new Headers({ "x-user-id": "ada" }), "identity: got an iterable object"],
    [
      "more fields than go to a plugin",
      { "x-group": Array.from({ length: 129 }, () => "a") },
      "identity: 129 fields, where 128 are allowed",
    ],
    [
      "more bytes than go to a plugin",
      { "x-group": "a".repeat(16_384) },
      "identity: 16391 bytes of fields, where 16384 are allowed",
    ],
  ])("log which field of identity is wrong: %s", async (_what, identity, message) => {
    for (const give of [() => identity, async () => identity]) {
      const { bridge, logged } = await bridgeWith({ identity: give as never });
      await using _ = bridge;
      expect(await statusOf(bridge.port)).toBe(500);
      expect(logged.map(({ err }) => err.message)).toEqual([expect.stringContaining(message)]);
    }
  });

  it.each<[string, unknown, string]>([
    ["text", "tenant", "context: got a string, allowed is an object of strings"],
    ["an array", ["tenant"], "context: got an array, allowed is an object of strings"],
    ["a map", new Map([["tenant", "acme"]]), "context: got an iterable object, allowed is"],
    ["a number in it", { tenant: 7 }, 'context: the value of "tenant" is no string'],
  ])("log what is wrong with a context: %s", async (_what, context, message) => {
    const { bridge, logged } = await bridgeWith({ context: () => context as never });
    await using _ = bridge;
    expect(await statusOf(bridge.port)).toBe(500);
    expect(logged.map(({ err }) => err.message)).toEqual([expect.stringContaining(message)]);
  });

  it("are read once: a property that changes or throws later reaches no plugin", async () => {
    let reads = 0;
    const changing = () =>
      Object.defineProperty({}, "x-user-id", {
        enumerable: true,
        get: () => {
          reads += 1;
          if (reads > 1) {
            throw new Error("read twice");
          }
          return "ada";
        },
      });
    const { bridge } = await bridgeWith({ context: changing });
    await using _ = bridge;
    expect([await statusOf(bridge.port), reads]).toEqual([200, 1]);
  });

  it("that never settle are answered 500 when their time is over", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let asked = 0;
    const { bridge, logged } = await bridgeWith({
      identity: () => {
        asked += 1;
        return new Promise(() => undefined);
      },
    });
    await using _ = bridge;
    const status = statusOf(bridge.port);
    await until(() => asked === 1, "identity is asked");
    vi.advanceTimersByTime(hostFunctionMsMax);
    expect(await status).toBe(500);
    expect(logged.map(({ err }) => err.message)).toEqual([
      `identity or context did not settle within ${hostFunctionMsMax} ms`,
    ]);
  });

  it("that read the body of a request are answered 500, and the log says so", async () => {
    const { bridge, logged } = await bridgeWith({
      identity: async (request) => {
        await request.toArray();
        return {};
      },
    });
    await using _ = bridge;
    const post = ["POST /plugins/notes/ HTTP/1.1", "Host: a", "TE: trailers", "Content-Length: 4"];
    expect(await statusOf(bridge.port, [...post, "", "body"])).toBe(500);
    expect(logged.map(({ err }) => err.message)).toEqual([
      "identity or context has read the request's body, which is for the plugin",
    ]);
  });
});

describe("H1 a logger", () => {
  it.each<[string, () => unknown]>([
    [
      "throws",
      () => {
        throw Object.freeze(new Error("the disk is full"));
      },
    ],
    ["rejects", () => Promise.reject(new Error("the disk is full"))],
  ])("that %s costs no answer", async (_what, fail) => {
    const logger = { debug: fail, info: fail, warn: fail, error: fail };
    let calls = 0;
    await using bridge = await Bridge.start(
      {
        serveHTTP() {
          throw new Error("on purpose");
        },
      },
      {
        host: {
          logger,
          identity: () => {
            calls += 1;
            if (calls === 1) {
              throw new Error("the directory is down");
            }
            return {};
          },
        },
      },
    );
    expect([await statusOf(bridge.port), await statusOf(bridge.port)]).toEqual([500, 500]);
    await turns(3);
    expect([calls, bridge.inFlight]).toEqual([2, 0]);
  });
});

/** A host whose plugin `notes` is a handler in the host's own process. */
async function inProcess(
  handler: HandlerPluginOptions["handler"],
  server: NodeServer = createServer(),
): Promise<AsyncDisposable & { port: number; host: PluginHost; logged: readonly Logged[] }> {
  const { logger, records } = logRecords("warn");
  const host = createPluginHost({ logger, plugins: { notes: { handler } } });
  host.attach(server).listen(0, "127.0.0.1");
  await until(() => server.listening, "the server listens");
  return {
    port: (server.address() as { port: number }).port,
    host,
    logged: records as unknown as readonly Logged[],
    async [Symbol.asyncDispose]() {
      server.close();
      await host.stop();
    },
  };
}

describe("H1 a handler in the host's process", () => {
  const inProcessFailed = "the handler of a plugin in the host's process failed";

  it.each(thrown)("that throws or rejects with %s is answered 500", async (_what, make) => {
    let fails = true;
    const failing: HandlerPluginOptions["handler"] = (_request, response) => {
      if (fails) {
        throw make();
      }
      (response as ServerResponse).end();
    };
    const rejecting: HandlerPluginOptions["handler"] = async (...both) => failing(...both);
    for (const handler of [failing, rejecting]) {
      fails = true;
      await using host = await inProcess(handler);
      expect(await statusOf(host.port)).toBe(500);
      expect(host.logged).toMatchObject([{ plugin: "notes", msg: inProcessFailed }]);
      fails = false;
      expect(await statusOf(host.port)).toBe(200);
    }
  });

  it("that returns a promise of no known make, which throws, is answered 500", async () => {
    await using host = await inProcess(() => ({
      // As a library's promise may be broken.
      // oxlint-disable-next-line unicorn/no-thenable
      then: () => {
        throw new Error("no promise at all");
      },
    }));
    expect(await statusOf(host.port)).toBe(500);
    expect(host.logged).toMatchObject([{ err: { message: "no promise at all" } }]);
  });

  it("that fails in the middle of its response breaks it", async () => {
    await using host = await inProcess(async (_request, response) => {
      (response as ServerResponse).write("begun");
      await turns(1);
      throw new Error("in the middle");
    });
    using client = await RawClient.connect(host.port);
    client.send(...get);
    // The client's libuv in Node 22 shows a reset that comes together with bytes as an end.
    await client.hostEnded();
    expect(client.received).toContain("begun");
    expect(client.received).not.toContain("\r\n0\r\n\r\n");
    expect(host.logged).toMatchObject([{ err: { message: "in the middle" } }]);
  });

  it("that fails behind its response is logged, and the response stands", async () => {
    await using host = await inProcess((_request, response) => {
      (response as ServerResponse).end("whole");
      throw new Error("too late");
    });
    using client = await RawClient.connect(host.port);
    client.send(...get);
    await client.take("whole");
    client.send(...get);
    await client.take("whole");
    expect(host.logged).toHaveLength(2);
  });

  it("that fails on HTTP/2 is answered 500, or its stream is broken", async () => {
    await using host = await inProcess(async (request, response) => {
      if (request.url?.endsWith("late") === true) {
        (response as ServerResponse).write("begun");
        await turns(1);
      }
      throw new Error("on purpose");
    }, createHttp2Server());
    await using session = await connectHttp2(host.port);
    const early = new Http2Stream(session, { ":path": "/plugins/notes/" });
    const late = new Http2Stream(session, { ":path": "/plugins/notes/late" });
    await Promise.all([early.closed(), late.closed()]);
    expect([early.status, early.resetCode]).toEqual([500, 0]);
    expect([late.status, late.resetCode]).toEqual([200, 2]);
  });
});

describe("H1 middleware around a response", () => {
  /** Puts a `writeHead` in place of Node's that throws for a status. */
  const breaking = (broken: readonly number[]) => (server: NodeServer) => {
    (server as ReturnType<typeof createServer>).prependListener(
      "request",
      (_request, response: ServerResponse) => {
        const writeHead = response.writeHead.bind(response);
        response.writeHead = (status: number, ...rest: []) => {
          if (broken.includes(status)) {
            throw Object.freeze(new Error("middleware's own"));
          }
          return writeHead(status, ...rest);
        };
      },
    );
  };

  /** Closed without an answer, and the next request is served. */
  async function expectBroken(port: number, lines: readonly string[]): Promise<void> {
    using client = await RawClient.connect(port);
    client.send(...lines);
    await client.closed();
    expect(client.received).toBe("");
  }

  it("that throws at an answer of the host's ends that connection and no more", async () => {
    const { logger, records } = logRecords("warn");
    await using bridge = await Bridge.start(
      { serveHTTP: (_request, response) => response.end() },
      { host: { logger }, attach: false, wire: attachBehind(breaking([404, 500])) },
    );
    await expectBroken(bridge.port, ["GET /plugins/unknown/ HTTP/1.1", "Host: a", "", ""]);
    expect(records).toMatchObject([
      { plugin: "unknown", msg: "middleware failed around an answer" },
    ]);
    expect(await statusOf(bridge.port)).toBe(200);
  });

  it("that throws at a plugin's response ends that connection and no more", async () => {
    const { logger, records } = logRecords("warn");
    await using bridge = await Bridge.start(
      { serveHTTP: (_request, response) => response.end() },
      { host: { logger }, attach: false, wire: attachBehind(breaking([200])) },
    );
    await expectBroken(bridge.port, get);
    expect(records).toMatchObject([{ err: { message: expect.stringContaining("middleware's") } }]);
    expect(await statusOf(bridge.port, ["GET /other HTTP/1.1", "Host: a", "", ""])).toBe(404);
    expect(bridge.inFlight).toBe(0);
  });

  it("that throws at the answer to a plugin's failure ends that connection", async () => {
    const { logger, records } = logRecords("warn");
    await using bridge = await Bridge.start(
      {
        serveHTTP() {
          throw new Error("on purpose");
        },
      },
      { host: { logger }, attach: false, wire: attachBehind(breaking([500])) },
    );
    await expectBroken(bridge.port, get);
    expect(records).toMatchObject([
      {
        code: "handler-failed",
        reason: expect.stringMatching(/; then middleware failed around the answer: middleware's/),
        msg: "exchange failed",
      },
    ]);
    expect(bridge.inFlight).toBe(0);
  });

  it("that returns nothing from `write` costs no answer", async () => {
    await using bridge = await Bridge.start(
      {
        async serveHTTP(_request, response) {
          for (let part = 0; part < 3; part += 1) {
            await response.write(`part ${part}, `);
            await response.flush();
            await turns(2);
          }
          await response.end("whole");
        },
      },
      {
        attach: false,
        wire: attachBehind((server) => {
          (server as ReturnType<typeof createServer>).prependListener(
            "request",
            (_request, response: ServerResponse) => {
              const write = response.write.bind(response) as (chunk: unknown) => boolean;
              response.write = ((chunk: unknown) => void write(chunk)) as never;
            },
          );
        }),
      },
    );
    using client = await RawClient.connect(bridge.port);
    client.send(...get);
    await client.take("whole");
    expect(bridge.inFlight).toBe(0);
  });

  /** The application's middleware first, then the host, as `host.listener` in a framework. */
  function attachBehind(middleware: (server: NodeServer) => void) {
    return (server: NodeServer, host: PluginHost) => {
      (server as ReturnType<typeof createServer>).on("request", (request, response) => {
        host.listener(request, response);
      });
      middleware(server);
    };
  }
});
