import { once } from "node:events";
import { type ClientRequest, createServer, get, type IncomingMessage, request } from "node:http";
import { constants } from "node:http2";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createPluginHost, type PluginHost } from "@servehttp/host-bridge";
import { until } from "@servehttp/testkit";
import { expect, test } from "vitest";
import { flags as frameFlags, type Frame, frameTypes } from "servehttp-conformance/testing";
import { type StackExchange, StackPlugin, type StackTraits } from "./stack-plugin.js";

const windowBytes = 65_535;

/** A window of 64 KiB for the connection as for each stream, as HTTP/2 begins with. */
const smallWindows: StackTraits = { windowOpensAsRead: true };

test("S1: uploads that nobody reads leave every other exchange unharmed", async () => {
  let dataBytes = 0;
  const onFrame = ({ type, payload }: Frame): void => {
    dataBytes += type === frameTypes.data ? payload.length : 0;
  };
  await using rig = await Rig.open({ ...smallWindows, onFrame }, (exchange) => {
    if (exchange.url === "/echo") {
      countBody(exchange);
    } else if (exchange.url !== "/never-read") {
      exchange.answer(200, "ok");
    }
  });
  dataBytes = 0;
  const stalled = Array.from({ length: 12 }, () => rig.upload("/never-read"));
  for (const one of stalled) {
    one.write(Buffer.alloc(300_000));
  }
  // A stream's window is full for each of them.
  // Node reads a little ahead of whoever does not read, so a bit more than a window each has come.
  await until(() => dataBytes >= stalled.length * windowBytes, "a window of each upload");
  for (let round = 0; round < 3; round += 1) {
    const gets = Array.from({ length: 20 }, () => rig.get("/get"));
    expect(await Promise.all(gets)).toEqual(gets.map(() => "200 ok"));
    // The neighbours' bodies are several times what a window holds.
    const uploads = Array.from({ length: 3 }, () => rig.upload("/echo"));
    for (const one of uploads) {
      one.end(Buffer.alloc(400_000, round));
    }
    const answers = await Promise.all(uploads.map((one) => answerOf(one)));
    expect(answers).toEqual(uploads.map(() => "200 read"));
  }
  expect(rig.plugin.errors).toEqual([]);
});

test("S1: uploads of a known length share a connection as far as all fit into its window", async () => {
  await using rig = await Rig.open(smallWindows, countBody);
  const uploads = Array.from({ length: 20 }, () => rig.upload("/", 2_000));
  for (const one of uploads) {
    one.write(Buffer.alloc(1_000));
  }
  await until(() => rig.exchanges.length === 20, "all uploads");
  // Four of at most 16 KiB on each.
  expect(rig.plugin.sessions.size).toBeLessThanOrEqual(7);
  for (const one of uploads) {
    one.end(Buffer.alloc(1_000));
  }
  expect(await Promise.all(uploads.map((one) => answerOf(one)))).toEqual(
    uploads.map(() => "200 read"),
  );
});

test("S2: more exchanges than the peer takes streams are served on other connections", async () => {
  const traits = { options: { settings: { maxConcurrentStreams: 20 } } };
  await using rig = await Rig.open(traits, (exchange) => {
    exchange.stream.resume();
    if (exchange.url === "/events") {
      exchange.send({ init: { status: 200 }, chunk: Buffer.from("data: 1\n\n") });
    } else {
      exchange.answer(200, "ok");
    }
  });
  const events = await Promise.all(Array.from({ length: 70 }, () => rig.begin("/events")));
  expect(events.map(({ statusCode }) => statusCode)).toEqual(events.map(() => 200));
  expect(await rig.get("/")).toBe("200 ok");
  expect(rig.plugin.sessions.size).toBe(4);
  for (const one of events) {
    one.destroy();
  }
});

test("S2: a peer that allows no streams is answered for with 503 at once", async () => {
  const traits = { settingsAfterDescribe: { maxConcurrentStreams: 0 } };
  await using rig = await Rig.open(traits, (exchange) => exchange.answer(200));
  const answers = await Promise.all(Array.from({ length: 5 }, () => rig.get("/")));
  expect(answers.map((answer) => answer.slice(0, 3))).toEqual(answers.map(() => "503"));
  expect(rig.retryAfter).toBe("1");
  expect(rig.warnings.filter((one) => one.includes("allows no streams"))).toHaveLength(1);
});

test("a peer whose window stays shut fails its exchanges by their time, and is warned of once", async () => {
  const traits = { settingsAfterDescribe: { initialWindowSize: 0 } };
  await using rig = await Rig.open(traits, (exchange) => exchange.answer(200));
  const answers = await Promise.all(Array.from({ length: 5 }, () => rig.get("/")));
  expect(answers.map((answer) => answer.slice(0, 3))).toEqual(answers.map(() => "504"));
  expect(rig.warnings.filter((one) => one.includes("no window"))).toHaveLength(1);
});

test.each([10, 25])(
  "S3: a server that says it goes after every %i exchanges loses none",
  async (exchangesPerConnection) => {
    const waiting: StackExchange[] = [];
    await using rig = await Rig.open({ exchangesPerConnection }, (exchange) => {
      exchange.stream.resume();
      if (exchange.url === "/slow") {
        waiting.push(exchange);
      } else {
        exchange.answer(200, "ok");
      }
    });
    const slow = Array.from({ length: 10 }, () => rig.get("/slow"));
    await until(() => waiting.length === 10, "the slow ones at the plugin");
    for (let round = 0; round < 5; round += 1) {
      const gets = Array.from({ length: 10 }, () => rig.get("/"));
      expect(await Promise.all(gets)).toEqual(gets.map(() => "200 ok"));
    }
    for (const exchange of waiting) {
      exchange.answer(200, "slow");
    }
    expect(await Promise.all(slow)).toEqual(slow.map(() => "200 slow"));
    expect(rig.plugin.sessions.size).toBeGreaterThanOrEqual(
      Math.floor(60 / exchangesPerConnection),
    );
    expect(rig.host.plugins[0]).toMatchObject({ state: "ready", restarts: 0 });
  },
);

test("S3: a server that says it goes with every answer is asked on a connection each", async () => {
  await using rig = await Rig.open({ exchangesPerConnection: 1 }, (exchange) => {
    exchange.stream.resume();
    exchange.answer(200, "ok");
  });
  for (let round = 1; round <= 10; round += 1) {
    expect(await rig.get("/")).toBe("200 ok");
    expect(rig.plugin.sessions.size).toBe(round);
  }
  expect(rig.host.plugins[0]).toMatchObject({ state: "ready", restarts: 0 });
});

test.each([
  ["Node's limit of resets", { options: { streamResetBurst: 150, streamResetRate: 3 } }],
  ["h2's limit of streams that are reset before they are accepted", { unacceptedResetsMax: 20 }],
] as const)("S4: clients that leave end no connection (%s)", async (_name, traits) => {
  await using rig = await Rig.open(traits, (exchange) => {
    exchange.stream.resume();
    if (exchange.url === "/events") {
      exchange.send({ init: { status: 200 }, chunk: Buffer.from("first") });
    } else if (exchange.url === "/") {
      exchange.answer(200, "ok");
    }
  });
  const bystander = await rig.begin("/events");
  let broken = false;
  bystander.on("error", () => {
    broken = true;
  });
  for (let round = 0; round < 4; round += 1) {
    const before = rig.exchanges.length;
    const clients = await rig.connect(200);
    for (const client of clients) {
      client.write("GET /plugins/p/wait HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    await until(() => rig.exchanges.length === before + 200, "all at the plugin");
    for (const client of clients) {
      client.destroy();
    }
    await until(() => rig.host.plugins[0]?.inFlight === 1, "all have left");
  }
  // Those that have hardly come.
  for (let round = 0; round < 10; round += 1) {
    const clients = await rig.connect(30);
    for (const client of clients) {
      client.write("GET /plugins/p/wait HTTP/1.1\r\nHost: h\r\n\r\n");
      client.end();
      setImmediate(() => client.destroy());
    }
    await Promise.all(clients.map((client) => once(client, "close")));
  }
  await until(() => rig.host.plugins[0]?.inFlight === 1, "all have left");
  expect(await rig.get("/")).toBe("200 ok");
  expect([rig.plugin.errors, broken]).toEqual([[], false]);
  expect(rig.host.plugins[0]).toMatchObject({ state: "ready", restarts: 0 });
  bystander.destroy();
});

test("S5: a request that is given up is reset, and never ends before", async () => {
  const ended = new Set<number>();
  const reset = new Set<number>();
  await using rig = await Rig.open(
    {
      onFrame({ type, flags, streamId }) {
        if (type === frameTypes.rstStream) {
          reset.add(streamId);
        } else if (type <= frameTypes.headers && (flags & frameFlags.endStream) !== 0) {
          ended.add(streamId);
        }
      },
    },
    (exchange) => {
      if (exchange.url === "/early") {
        exchange.answer(413);
      }
    },
  );
  // What Describe and the exchanges before did is of no interest.
  ended.clear();
  const early = rig.upload("/early");
  early.write("half of it");
  expect(await answerOf(early)).toBe("413 ");
  await until(() => reset.size === 1, "the rest of the request is given up");
  const left = rig.upload("/unread");
  left.write("half of it");
  await until(() => rig.exchanges.length === 2, "the upload");
  left.destroy();
  await until(() => reset.size === 2, "the reset");
  expect([...reset].filter((id) => ended.has(id))).toEqual([]);
});

test.each([
  [constants.NGHTTP2_CANCEL, 502],
  [constants.NGHTTP2_INTERNAL_ERROR, 500],
  [constants.NGHTTP2_REFUSED_STREAM, 503],
])("a peer that resets every exchange with code %i costs each a %i", async (resetCode, status) => {
  await using rig = await Rig.open({ resetCode }, () => undefined);
  const answers = await Promise.all(Array.from({ length: 30 }, () => rig.get("/")));
  expect(answers.map((answer) => Number(answer.slice(0, 3)))).toEqual(answers.map(() => status));
  expect(rig.plugin.sessions.size).toBe(1);
  expect(rig.host.plugins[0]).toMatchObject({ state: "ready", restarts: 0 });
});

/** Reads the body of a request and says that it has. */
function countBody(exchange: StackExchange): void {
  const { stream } = exchange;
  stream.on("end", () => exchange.answer(200, "read"));
  stream.resume();
}

async function answerOf(asked: ClientRequest): Promise<string> {
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) {
    chunks.push(chunk as Buffer);
  }
  return `${response.statusCode} ${Buffer.concat(chunks).toString()}`;
}

/** A host with one plugin, and clients of it. */
class Rig implements AsyncDisposable {
  readonly plugin: StackPlugin;
  readonly host: PluginHost;
  /** What has come to the plugin. */
  readonly exchanges: StackExchange[];
  readonly warnings: readonly string[];
  /** Of the last answer. */
  retryAfter: string | undefined;
  readonly #port: number;
  readonly #opened: AsyncDisposableStack;

  private constructor(
    plugin: StackPlugin,
    host: PluginHost,
    exchanges: StackExchange[],
    warnings: readonly string[],
    port: number,
    opened: AsyncDisposableStack,
  ) {
    this.plugin = plugin;
    this.host = host;
    this.exchanges = exchanges;
    this.warnings = warnings;
    this.#port = port;
    this.#opened = opened;
  }

  static async open(
    traits: StackTraits,
    onExchange: (exchange: StackExchange) => void,
  ): Promise<Rig> {
    await using opened = new AsyncDisposableStack();
    const exchanges: StackExchange[] = [];
    const plugin = opened.use(
      await StackPlugin.start(traits, (exchange) => {
        exchanges.push(exchange);
        onExchange(exchange);
      }),
    );
    const warnings: string[] = [];
    const host = createPluginHost({
      plugins: { p: { url: plugin.url, carrier: "stream" } },
      logger: {
        warn: (_details, message) => void warnings.push(message),
        error: (_details, message) => void warnings.push(message),
      },
      timeouts: { headMs: 2_000 },
    });
    opened.defer(() => host.stop({ drainMs: 0 }));
    await host.start();
    const server = createServer();
    host.attach(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    opened.defer(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = server.address() as AddressInfo;
    return new Rig(plugin, host, exchanges, warnings, port, opened.move());
  }

  /** Asks, and resolves with status and body. */
  async get(url: string): Promise<string> {
    const asked = get(this.#optionsOf(url));
    asked.once("response", ({ headers }: IncomingMessage) => {
      this.retryAfter = headers["retry-after"];
    });
    return await answerOf(asked);
  }

  /** Asks, and resolves with the response when its head is there. */
  async begin(url: string): Promise<IncomingMessage> {
    const [response] = (await once(get(this.#optionsOf(url)), "response")) as [IncomingMessage];
    response.on("error", () => undefined);
    return response;
  }

  /** Begins an upload, of a length that is told or not. */
  upload(url: string, contentLength?: number): ClientRequest {
    const headers = contentLength === undefined ? {} : { "content-length": contentLength };
    const asked = request({ ...this.#optionsOf(url), method: "POST", headers });
    asked.on("error", () => undefined);
    this.#opened.defer(() => void asked.destroy());
    return asked;
  }

  /** Connections on which nothing was asked yet. */
  async connect(count: number): Promise<Socket[]> {
    const sockets = Array.from({ length: count }, () => connect(this.#port, "127.0.0.1"));
    await Promise.all(
      sockets.map((socket) =>
        once(
          socket.on("error", () => undefined),
          "connect",
        ),
      ),
    );
    return sockets;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#opened.disposeAsync();
  }

  #optionsOf(url: string): { host: string; port: number; path: string; agent: false } {
    return { host: "127.0.0.1", port: this.#port, path: `/plugins/p${url}`, agent: false };
  }
}
