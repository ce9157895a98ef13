import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { status as grpcStatus } from "@grpc/grpc-js";
import { Carrier } from "@servehttp/contract/services";
import { type RunningPlugin, servePlugin } from "@servehttp/plugin-sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildGoHost, reasonWithoutGo } from "./go-peer.js";
import { connectNodeHost } from "./hosts/connect-node-host.js";
import { GrpcJsHost } from "./hosts/grpc-js-host.js";
import type { RequestInit, Response } from "./messages.js";
import { MessageQueue } from "./mux/message-queue.js";
import { MuxHost } from "./mux/mux-host.js";
import { serveHTTP } from "./plugins/sdk-handler.js";
import { preparePython, type PythonPeer } from "./python-peer.js";
import { repositoryRoot } from "./repository-root.js";
import { toolOutput } from "./tool-output.js";

const withoutGo = await reasonWithoutGo("connect-go");
if (withoutGo !== undefined) {
  console.log(`connect-go is left out: ${withoutGo}`);
}

const token = randomBytes(16).toString("hex");
let directory: string;
let socketPath: string;
let plugin: RunningPlugin;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "servehttp-interop-"));
  socketPath = join(directory, "plugin.sock");
  plugin = await servePlugin(
    { serveHTTP },
    { address: `unix:${socketPath}`, token, logger: silent },
  );
});

afterAll(async () => {
  await plugin.close();
  await rm(directory, { recursive: true });
});

const silent = { debug() {}, info() {}, warn() {}, error() {} };

describe.each(["gRPC", "Connect", "Connect with JSON"] as const)(
  "connect-node as the host, in %s",
  (protocol) => {
    it("is told what the plugin offers", async () => {
      const host = connectNodeHost(socketPath, token, protocol);
      const answer = await host.describe({ contractVersions: [1], pluginId: "example" });
      expect(answer).toMatchObject({
        contractVersion: 1,
        servesHttp: true,
        carriers: expect.arrayContaining([Carrier.STREAM, Carrier.MUX]),
      });
    });

    it("is refused without the token", async () => {
      const stranger = connectNodeHost(socketPath, "another", protocol);
      const refused = expect.objectContaining({ code: Code.Unauthenticated });
      await expect(stranger.describe({})).rejects.toEqual(refused);
      await expect(toArray(stranger.serveHTTP(get("/headers")))).rejects.toEqual(refused);
      await expect(toArray(stranger.serveHTTPMux(nothing()))).rejects.toEqual(refused);
    });

    describe.each(["stream", "mux"] as const)("on the %s carrier", (carrier) => {
      /** Exchanges that end when the test does. */
      function openHost(): {
        open: (requests: AsyncIterable<RequestInit>) => AsyncIterable<Response>;
      } & Disposable {
        const client = connectNodeHost(socketPath, token, protocol);
        if (carrier === "stream") {
          return { open: (requests) => client.serveHTTP(requests), [Symbol.dispose]() {} };
        }
        const host = new MuxHost((batches) => client.serveHTTPMux(batches));
        return {
          open: (requests) => host.open(requests),
          [Symbol.dispose]: () => host[Symbol.dispose](),
        };
      }

      it("carries header bytes both ways as they are", async () => {
        using host = openHost();
        const parts = await toArray(host.open(get("/headers")));
        const fields = parts.flatMap((part) => part.init?.headers ?? []);
        const values = fields
          .filter(({ name }) => /^x-m$/i.test(name))
          .flatMap((field) => field.values);
        expect(values.map((value) => Buffer.from(value).toString("latin1"))).toEqual([
          "a",
          "caf\xe9",
        ]);
        expect(textOf(parts)).toBe("GET /headers");
        expect(parts.at(-1)?.end).toBeDefined();
      });

      it("echoes a body while it is sent, with an informational response and a trailer", async () => {
        using host = openHost();
        const requests = new MessageQueue<RequestInit>();
        requests.push({ init: { method: "POST", url: "/echo", contentLength: -1n } });
        const sent = createHash("sha256");
        const echoed = createHash("sha256");
        const informational: number[] = [];
        let octetsSent = 0;
        let octetsEchoed = 0;
        let trailers: string[] = [];
        for await (const parts of host.open(requests)) {
          informational.push(...parts.informational.map(({ status }) => status));
          octetsEchoed += parts.chunk.length;
          echoed.update(parts.chunk);
          trailers =
            parts.end?.trailers.map(
              ({ name, values }) => `${name}: ${Buffer.concat(values).toString()}`,
            ) ?? [];
          if (octetsSent === 1_200_000 && octetsEchoed === octetsSent) {
            requests.push({ end: {} });
            requests.close();
          } else if (octetsEchoed === octetsSent) {
            const chunk = randomBytes(60_000);
            octetsSent += chunk.length;
            sent.update(chunk);
            requests.push({ chunk });
          }
        }
        expect(informational).toEqual([103]);
        expect(octetsEchoed).toBe(1_200_000);
        expect(echoed.digest("hex")).toBe(sent.digest("hex"));
        expect(trailers).toEqual([expect.stringMatching(/^x-bytes: 1200000$/i)]);
      });

      it("is answered before the body has come", async () => {
        using host = openHost();
        const requests = new MessageQueue<RequestInit>();
        requests.push({ init: { method: "POST", url: "/early", contentLength: -1n } });
        const parts = await toArray(host.open(requests));
        requests.close();
        expect(parts.map((part) => part.init?.status ?? 0)).toContain(413);
        expect(parts.at(-1)?.end).toBeDefined();
      });

      it("has a request that it cut off seen as cut off", async () => {
        using host = openHost();
        const requests = new MessageQueue<RequestInit>();
        requests.push({ init: { method: "POST", url: "/echo", contentLength: -1n } });
        requests.push({ chunk: Buffer.from("half of it") });
        const reading = (async () => {
          for await (const parts of host.open(requests)) {
            if (parts.chunk.length > 0) {
              requests.close(new Error("the client left"));
            }
          }
        })();
        await expect(reading).rejects.toThrow(/client left/);
        expect(textOf(await toArray(host.open(get("/cut-off"))))).toBe("the request was cut off");
      });

      it("sees a response without an end as broken", async () => {
        using host = openHost();
        const reading = toArray(host.open(get("/unfinished")));
        await expect(reading).rejects.toThrow(/handler-failed|reset by the other side/);
      });
    });
  },
);

// The second one says what only a host of ours needs to say, and is served all the same.
describe.each([
  ["grpc-js", {}],
  ["grpc-js, with a connection to itself,", { "servehttp-connection": "dedicated" }],
])("%s as the host, on the mux carrier", (_stack, fields) => {
  it("is served GETs, an early answer and an upload of 1 MiB by one RPC", async () => {
    using stack = new DisposableStack();
    const client = stack.use(new GrpcJsHost(socketPath, token, fields));
    const host = stack.use(new MuxHost((batches) => client.serveHTTPMux(batches)));
    const texts = await Promise.all([1, 2, 3].map(() => toArray(host.open(get("/headers")))));
    expect(texts.map((parts) => textOf(parts))).toEqual(Array(3).fill("GET /headers"));
    const early = new MessageQueue<RequestInit>();
    early.push({ init: { method: "POST", url: "/early", contentLength: -1n } });
    const answer = await toArray(host.open(early));
    early.close();
    expect(answer.map(({ init }) => init?.status ?? 0)).toContain(413);
    const body = Array.from({ length: 16 }, () => randomBytes(65_536));
    const echoed = await toArray(host.open(upload(body)));
    expect(hashOf(echoed.map(({ chunk }) => chunk))).toBe(hashOf(body));
  });

  it("is refused without the token", async () => {
    using stranger = new GrpcJsHost(socketPath, "another", fields);
    const refused = expect.objectContaining({ code: grpcStatus.UNAUTHENTICATED });
    await expect(toArray(stranger.serveHTTPMux(nothing()))).rejects.toEqual(refused);
  });
});

describe("gRPC-python as the host", () => {
  let peer: PythonPeer;

  beforeAll(async () => {
    peer = await preparePython(directory);
  });

  const checks = ["headers", "echo", "early", "cut_off", "unfinished"];
  it.each([
    ["stream", "describe"],
    ["stream", "refuse_strangers"],
    ...checks.map((check) => ["stream", check]),
    ...checks.map((check) => ["mux", check]),
  ])("on the %s carrier passes its check: %s", async (carrier, check) => {
    const script = `${repositoryRoot}interop/python/host.py`;
    const args = [script, `unix:${socketPath}`, token, carrier ?? "", check ?? ""];
    const output = await toolOutput(peer.python, args, { env: peer.env });
    expect(output).toBe("as the contract says\n");
  });
});

describe.skipIf(withoutGo !== undefined)("connect-go as the host", () => {
  let host: string;

  beforeAll(async () => {
    host = await buildGoHost(directory);
  });

  const checks = [
    "describe",
    "refuse_strangers",
    "headers",
    "echo",
    "early",
    "cut_off",
    "unfinished",
  ];
  it.each(
    ["grpc", "connect", "connect+json"].flatMap((protocol) =>
      checks.map((check) => [protocol, check] as const),
    ),
  )("in %s passes its check: %s", async (protocol, check) => {
    expect(await toolOutput(host, [socketPath, token, protocol, check])).toBe(
      "as the contract says\n",
    );
  });
});

async function* get(url: string): AsyncGenerator<RequestInit> {
  const values = [Buffer.from("a"), Buffer.from("caf\xe9", "latin1")];
  yield { init: { method: "GET", url, headers: [{ name: "X-M", values }] }, end: {} };
}

async function* upload(chunks: readonly Buffer[]): AsyncGenerator<RequestInit> {
  yield { init: { method: "POST", url: "/echo", contentLength: -1n } };
  for (const chunk of chunks) {
    yield { chunk };
  }
  yield { end: {} };
}

function hashOf(chunks: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const chunk of chunks) {
    hash.update(chunk);
  }
  return hash.digest("hex");
}

async function* nothing(): AsyncGenerator<never> {}

async function toArray<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const message of messages) {
    all.push(message);
  }
  return all;
}

function textOf(parts: readonly Response[]): string {
  return Buffer.concat(parts.map(({ chunk }) => chunk)).toString();
}
