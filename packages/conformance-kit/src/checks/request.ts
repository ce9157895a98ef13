import { createHash } from "node:crypto";
import type { RequestInit } from "../wire/messages.js";
import { StreamExchange } from "../wire/stream-host.js";
import type { Check } from "./check.js";
import { expectEqual, expectThat } from "./expect.js";
import type { Scene, Stepping } from "./scene.js";

const upload = { method: "POST", contentLength: -1n } as const;

/** How the request reaches the handler. */
export const requestChecks: readonly Check[] = [
  {
    id: "R1.methods",
    text: "Every method reaches the handler, in its letter case.",
    async run(scene) {
      for (const method of [
        "GET",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "PROPFIND",
        "x-Own",
      ]) {
        const init = scene.init("/describe", { method });
        expectEqual((await scene.described({ init, end: {} })).method, method, "the method");
      }
    },
  },
  {
    id: "R2.escapes",
    text: "The url reaches the handler byte for byte: escapes stay as they came.",
    async run(scene) {
      for (const url of ["/describe/a%2Fb?q=1", "/describe/%C3%A9//x/./y", "/describe/%7e~%41"]) {
        expectEqual(
          (await scene.described({ init: scene.init(url), end: {} })).url,
          url,
          "the url",
        );
      }
    },
  },
  {
    id: "R5.query",
    text: "The query reaches the handler byte for byte, whatever is in it.",
    async run(scene) {
      const url = "/describe?b=2&a=1&;x&%zz&&=&a=2";
      expectEqual((await scene.described({ init: scene.init(url), end: {} })).url, url, "the url");
    },
  },
  {
    id: "M2.base-path",
    text: "The base path, where the plugin is for its clients, reaches the handler.",
    async run(scene) {
      for (const basePath of ["/sub/plugins/conformance", ""]) {
        const init = scene.init("/describe", { basePath });
        expectEqual((await scene.described({ init, end: {} })).basePath, basePath, "the base path");
      }
    },
  },
  {
    id: "Q1.init",
    text: "Everything that the head says reaches the handler.",
    async run(scene) {
      const deadlineMs = Date.now() + 3_600_000;
      const init = scene.init("/describe?x", {
        protocol: "HTTP/2.0",
        protocolMajor: 2,
        protocolMinor: 0,
        host: "notes.example:8443",
        remoteAddr: "[2001:db8::7]:4711",
        scheme: "https",
        requestUri: "/sub/plugins/conformance/describe?x",
        context: { user: "ada", tenant: "north" },
        deadlineUnixMs: BigInt(deadlineMs),
      });
      const described = await scene.described({ init, end: {} });
      const { requestUri, protocol, scheme, host, remoteAddress, id, context } = described;
      expectEqual(requestUri, init.requestUri, "the request target");
      expectEqual(protocol, "HTTP/2.0", "the protocol");
      expectEqual(scheme, "https", "the scheme");
      expectEqual(host, "notes.example:8443", "the host");
      expectEqual(remoteAddress, "[2001:db8::7]:4711", "the remote address");
      expectEqual(id, init.requestId, "the request id");
      expectEqual([context["user"], context["tenant"]], ["ada", "north"], "the context");
      expectEqual(described.deadlineMs, deadlineMs, "the deadline in ms since the epoch");
    },
  },
  {
    id: "Q1.content-length",
    text: "The declared length reaches the handler: 0, a number, or not known.",
    async run(scene) {
      for (const [length, wanted] of [
        [0n, 0],
        [5n, 5],
        [-1n, null],
      ] as const) {
        const init = scene.init("/describe", { method: "POST", contentLength: length });
        const chunk = length === 0n ? {} : { chunk: Buffer.from("12345") };
        const { contentLength } = await scene.described({ init, ...chunk, end: {} });
        expectEqual(contentLength, wanted, "the length");
      }
    },
  },
  {
    id: "E3.values",
    text: "Several values of a header field stay separate and in order.",
    async run(scene) {
      const headers = [
        field("X-M", "one", "two"),
        field("Cookie", "a=1", "b=2"),
        field("x-m", "three, four"),
      ];
      const { headers: seen } = await scene.described({
        init: scene.init("/describe", { headers }),
        end: {},
      });
      expectEqual(valuesOf(seen, "x-m"), ["one", "two", "three, four"], "the values of X-M");
      expectEqual(valuesOf(seen, "cookie"), ["a=1", "b=2"], "the values of Cookie");
    },
  },
  {
    id: "E4.bytes",
    text: "Header values are bytes: those that are no UTF-8 survive.",
    async run(scene) {
      const headers = [field("X-Bytes", "caf\u00e9 \u00ff\u0080")];
      const { headers: seen } = await scene.described({
        init: scene.init("/describe", { headers }),
        end: {},
      });
      expectEqual(valuesOf(seen, "x-bytes"), ["caf\u00e9 \u00ff\u0080"], "the value");
    },
  },
  {
    id: "Q2.no-body",
    text: "A request without a body ends at once, whether its end comes with the head or behind it.",
    async run(scene) {
      const whole = await scene.described({ init: scene.init("/describe"), end: {} });
      const apart = scene.open({ init: scene.init("/describe") });
      await apart.send({ end: {} });
      expectEqual(
        [whole.bodyBytes, (await scene.description(apart)).bodyBytes],
        [0, 0],
        "the bytes",
      );
    },
  },
  {
    id: "Q3.sizes",
    text: "A body of any size arrives in order and whole.",
    async run(scene) {
      for (const size of [1, 65_535, 65_536, 65_537, 1_048_576]) {
        const body = scene.random(size, `${size}`);
        const exchange = scene.open({ init: scene.init("/describe", upload) });
        await scene.sendBody(exchange, body);
        expectBody(await scene.description(exchange), body);
      }
    },
  },
  {
    id: "Q3.merged",
    text: "Head, a chunk and the end may come in one message.",
    async run(scene) {
      const body = scene.random(20_000);
      const init = scene.init("/describe", { method: "POST", contentLength: 20_000n });
      expectBody(await scene.described({ init, chunk: body, end: {} }), body);
    },
  },
  {
    id: "Q3.small-chunks",
    text: "A body in chunks of one byte to a few arrives in order and whole.",
    async run(scene) {
      const body = scene.random(1_500);
      const exchange = scene.open({ init: scene.init("/describe", upload) });
      for (let at = 0, size = 1; at < body.length; at += size, size = (size % 7) + 1) {
        void exchange.send({ chunk: body.subarray(at, at + size) });
      }
      await exchange.send({ end: {} });
      expectBody(await scene.description(exchange), body);
    },
  },
  {
    id: "Q4.head-first",
    text: "The handler runs and can answer before the first byte of the body has come.",
    async run(scene) {
      const { exchange } = scene.upload(["flush", "read", "write=10"]);
      await exchange.untilHead();
      await scene.sendBody(exchange, scene.random(1_000));
      await exchange.complete();
      expectEqual(exchange.bodyBytes, 10, "the bytes behind it");
    },
  },
  {
    id: "Q5.backpressure",
    text: "A handler that does not read stops the upload, and what waits is bounded.",
    async run(scene) {
      const sent = await stalledUpload(scene, 40 * 1_048_576, 24 * 1_048_576);
      if (scene.carrier === "mux") {
        expectThat(
          sent <= 262_144,
          `it gave credit for ${sent} bytes that its handler has not read`,
        );
      }
    },
  },
  {
    id: "Q6.continue",
    text: "A client that expects 100 (Continue) gets it when the handler first reads.",
    async run(scene) {
      const { exchange } = scene.upload(["read", "write=5"], { expectContinue: true });
      await exchange.until("the informational response 100", () => {
        return exchange.informational.length > 0 || exchange.isOver;
      });
      expectEqual(
        exchange.informational.map(({ status }) => status),
        [100],
        "what came first",
      );
      await scene.sendBody(exchange, scene.random(1_000));
      expectEqual((await exchange.complete()).status, 200, "the status");
    },
  },
  {
    id: "Q6.refused",
    text: "A refusal without reading is a final status, and no 100 (Continue).",
    async run(scene) {
      const { exchange } = scene.upload(["status=417", "write=5"], { expectContinue: true });
      expectEqual((await exchange.complete()).status, 417, "the status");
      expectEqual(exchange.informational, [], "the informational responses");
    },
  },
  ...cutUploads(),
  {
    id: "Q8.trailers",
    text: "The request's trailers arrive behind its body.",
    async run(scene) {
      const exchange = scene.open({ init: scene.init("/describe", upload) });
      await exchange.send({ chunk: scene.random(100) });
      await exchange.send({ end: { trailers: [field("X-Sum", "abc"), field("X-Two", "1", "2")] } });
      const { trailers } = await scene.description(exchange);
      expectEqual(valuesOf(trailers, "x-sum"), ["abc"], "the trailer X-Sum");
      expectEqual(valuesOf(trailers, "x-two"), ["1", "2"], "the trailer X-Two");
    },
  },
  {
    id: "Q9.ignored-body",
    text: "A handler may leave the body unread: its response is whole, and others go on.",
    async run(scene) {
      for (let round = 0; round < 20; round += 1) {
        const { exchange } = scene.upload(["write=100"]);
        void scene.sendBody(exchange, scene.random(300_000));
        expectEqual((await exchange.complete()).status, 200, "the status");
      }
      await scene.servesOn();
    },
  },
  {
    id: "Q10.bodies",
    text: "GET, HEAD and DELETE may have a body.",
    async run(scene) {
      for (const method of ["GET", "HEAD", "DELETE"]) {
        const { key, exchange } = scene.steps(["read"], { method, contentLength: 1_000n });
        const body = scene.random(1_000, method);
        await exchange.send({ chunk: body, end: {} });
        await exchange.complete();
        const seen = await scene.untilSeen(
          key,
          "the handler's return",
          ({ state }) => state !== "running",
        );
        expectEqual(
          [seen.state, seen.read, seen.readSha256],
          ["returned", 1_000, sha256(body)],
          method,
        );
      }
    },
  },
];

/** Q7: however an upload is cut off, its handler fails, and never takes what came for the whole. */
function cutUploads(): readonly Check[] {
  const text = "An upload that is cut off makes the handler's read fail: it never looks whole.";
  const cutIs = (id: string, cut: (scene: Scene) => Promise<string>): Check => ({
    id,
    text,
    async run(scene) {
      const key = await cut(scene);
      const seen = await scene.untilSeen(
        key,
        "the handler's end",
        ({ state }) => state !== "running",
      );
      expectEqual(
        [seen.body, seen.state],
        ["cut", "failed"],
        "what the handler saw of its body, and its end",
      );
    },
  });
  return [
    cutIs("Q7.reset", async (scene) => {
      const { key, exchange } = await begun(scene);
      exchange.reset("client-disconnected");
      return key;
    }),
    cutIs("Q7.whole-length", async (scene) => {
      // All that was declared has come, and still nothing says that it is whole.
      const { key, exchange } = await begun(scene, { contentLength: 1_000n });
      exchange.reset("client-disconnected");
      return key;
    }),
    cutIs("Q7.nothing-came", async (scene) => {
      const { key, exchange } = scene.upload(["flush", "read"]);
      await exchange.untilHead();
      exchange.reset("client-disconnected");
      return key;
    }),
    cutIs("Q7.connection", async (scene) => {
      const { key } = await begun(scene);
      scene.host[Symbol.dispose]();
      return key;
    }),
    {
      ...cutIs("Q7.half-close", async (scene) => {
        const { key, exchange } = await begun(scene);
        if (exchange instanceof StreamExchange) {
          exchange.halfClose();
        }
        return key;
      }),
      carriers: ["stream"],
    },
  ];
}

/** An upload of which the handler has read the first chunk. */
async function begun(scene: Scene, more: Partial<RequestInit> = {}): Promise<Stepping> {
  const stepping = scene.upload(["read"], more);
  const chunk = scene.random(1_000);
  await stepping.exchange.send({ chunk });
  await scene.untilSeen(stepping.key, "the first chunk", ({ read }) => read === chunk.length);
  return stepping;
}

/**
 * Sends an upload to a handler that waits, until nothing more is taken; then lets it read all. Returns
 * how much was taken before.
 */
async function stalledUpload(scene: Scene, total: number, allowed: number): Promise<number> {
  const { key, exchange } = scene.upload(["flush", "wait", "read"]);
  await exchange.untilHead();
  const hash = createHash("sha256");
  const chunk = scene.random(65_536);
  let sent = 0;
  const sending = (async () => {
    for (; sent < total; sent += chunk.length) {
      chunk.writeUInt32BE(sent / chunk.length);
      hash.update(chunk);
      await exchange.send({ chunk: Buffer.from(chunk) });
    }
    await exchange.send({ end: {} });
  })();
  const stalled = await scene.settled(() => sent);
  expectThat(
    stalled <= allowed,
    `${stalled} of ${total} bytes were taken, and the handler has read none: nothing holds the client back`,
  );
  await scene.go(key);
  await Promise.all([exchange.complete(), sending]);
  const seen = await scene.untilSeen(
    key,
    "the handler's return",
    ({ state }) => state !== "running",
  );
  expectEqual([seen.read, seen.readSha256], [total, hash.digest("hex")], "what was read after all");
  return stalled;
}

function expectBody(described: { bodyBytes: number; bodySha256: string }, body: Buffer): void {
  expectEqual(
    [described.bodyBytes, described.bodySha256],
    [body.length, sha256(body)],
    "bytes and SHA-256 of the body",
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A field of the contract. */
export function field(name: string, ...values: string[]): { name: string; values: Buffer[] } {
  return { name, values: values.map((value) => Buffer.from(value, "latin1")) };
}

/** The values of a name, whatever its letter case. */
export function valuesOf(
  fields: readonly (readonly [string, string])[],
  name: string,
): readonly string[] {
  return fields.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);
}
