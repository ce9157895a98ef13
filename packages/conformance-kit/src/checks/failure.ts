import { bodyChunkBytesMax } from "@servehttp/contract";
import { envelope } from "../wire/grpc-messages.js";
import type { RequestParts } from "../wire/messages.js";
import { MuxExchange, MuxHost } from "../wire/mux-host.js";
import { StreamExchange } from "../wire/stream-host.js";
import type { Check } from "./check.js";
import { expectEqual, expectThat } from "./expect.js";
import type { Scene, Stepping } from "./scene.js";

/** Handlers that fail, and hosts that break the rules. */
export const failureChecks: readonly Check[] = [
  {
    id: "F1.before",
    text: "A handler that fails before its head is a 500 without detail, or fails the exchange.",
    async run(scene) {
      const { exchange } = scene.steps(["fail"]);
      await exchange.over();
      expectThat(
        exchange.failure !== undefined || exchange.head?.status === 500,
        `it looks well: ${exchange.outcome()}`,
      );
      expectEqual(exchange.body.includes("detail"), false, "the error's detail is in the body");
      await scene.servesOn();
    },
  },
  {
    id: "F1.after",
    text: "A handler that fails behind its head breaks the response: it never looks whole.",
    async run(scene) {
      const { key, exchange } = scene.steps(["write=1000", "flush", "wait", "fail"]);
      await exchange.untilBody(1_000);
      await scene.go(key);
      await exchange.over();
      expectThat(exchange.end === undefined, "the response has an end, and looks whole");
      expectEqual([exchange.head?.status, exchange.bodyBytes], [200, 1_000], "what came before");
      await scene.servesOn();
    },
  },
  {
    id: "F1.neighbours",
    text: "The neighbours of handlers that fail are unharmed, and so is the process.",
    async run(scene) {
      const neighbour = scene.upload(["flush", "echo"]);
      await neighbour.exchange.untilHead();
      for (let round = 0; round < 50; round += 1) {
        const { exchange } = scene.steps(
          round % 2 === 0 ? ["fail"] : ["write=10", "flush", "fail"],
        );
        await exchange.over();
      }
      const body = scene.random(50_000);
      await scene.sendBody(neighbour.exchange, body, 9_999);
      await neighbour.exchange.complete();
      expectEqual(neighbour.exchange.bodyBytes, body.length, "the bytes of the neighbour");
    },
  },
  breaks("F4.chunk-first", "before the head", (scene) => {
    return Promise.resolve(scene.open({ chunk: Buffer.from("body"), end: {} }));
  }),
  breaks("F4.two-heads", "with a second head", async (scene) => {
    const { key, exchange } = await waiting(scene);
    await exchange.send({ init: scene.init(`/steps/${key}?`) });
    return exchange;
  }),
  breaks("F4.chunk-after-end", "with a chunk behind the end", async (scene) => {
    const { exchange } = await waiting(scene);
    await sendAll(exchange, { end: {} }, { chunk: Buffer.from("more") });
    return exchange;
  }),
  breaks("F4.long-chunk", "with a chunk of more than 64 KiB", async (scene) => {
    const { exchange } = await waiting(scene);
    await exchange.send({ chunk: Buffer.alloc(bodyChunkBytesMax + 1) });
    return exchange;
  }),
  breaks("F4.tunnel-chunk", "with bytes of a tunnel that nobody has opened", async (scene) => {
    const { exchange } = await waiting(scene);
    await exchange.send({ tunnelChunk: Buffer.from("bytes") });
    return exchange;
  }),
  breaks("F4.garbage", "with bytes that are no message", async (scene) => {
    const { exchange } = await waiting(scene);
    await writeRaw(scene, exchange, envelope(Buffer.alloc(40, 0xff)));
    return exchange;
  }),
  breaks("F4.compressed", "with a message that says that it is compressed", async (scene) => {
    const { exchange } = await waiting(scene);
    await writeRaw(scene, exchange, envelope(Buffer.from([0x0a, 0]), true));
    return exchange;
  }),
  endsRpc("F4.unknown-exchange", "a frame of an exchange that was never opened", (scene) => {
    return scene.mux.sendFrames([{ exchangeId: 1_000n, creditBytes: 1 }]);
  }),
  endsRpc("F4.no-id", "a frame without an id", (scene) => {
    return scene.mux.sendFrames([{ exchangeId: 0n, parts: { init: scene.init("/describe") } }]);
  }),
  endsRpc("F4.over-credit", "more bytes than its credit", async (_scene, { exchange }) => {
    if (exchange instanceof MuxExchange) {
      for (let chunk = 0; chunk < 5; chunk += 1) {
        await exchange.sendFrame({ parts: { chunk: Buffer.alloc(65_000) } });
      }
    }
  }),
  endsRpc("F4.too-much-credit", "more credit than may be open", async (_scene, { exchange }) => {
    if (exchange instanceof MuxExchange) {
      await exchange.sendFrame({ creditBytes: 16_777_216 });
    }
  }),
  {
    id: "F4.late-frame",
    text: "A frame for an exchange that is over came too late, and is ignored.",
    carriers: ["mux"],
    async run(scene) {
      const { exchange } = scene.upload(["write=10"]);
      await exchange.complete();
      if (exchange instanceof MuxExchange) {
        await exchange.sendFrame({ parts: { chunk: Buffer.from("late") } });
        await exchange.sendFrame({ creditBytes: 1_000 });
        exchange.reset("client-disconnected");
      }
      await scene.servesOn();
    },
  },
  {
    id: "W2.batch",
    text: "A message may open many exchanges.",
    carriers: ["mux"],
    async run(scene) {
      const inits = Array.from({ length: 60 }, (_, at) => scene.init(`/describe/${at}`));
      const exchanges = scene.mux.openBatch(inits.map((init) => ({ init, end: {} })));
      for (const [at, exchange] of exchanges.entries()) {
        expectEqual((await scene.description(exchange)).url, `/describe/${at}`, "the url");
      }
      scene.noViolation();
    },
  },
  {
    id: "W2.shared-connection",
    text: "The mux RPC also works on a connection that has other RPCs (mux.proto, step 9).",
    carriers: ["mux"],
    async run(scene) {
      const connection = await scene.plugin.connect();
      const host = scene.use(new MuxHost(connection, scene.deadline, true));
      await scene.servesOn(host);
      const { exchange } = scene.upload(["echo"], {}, host);
      const body = scene.random(600_000);
      await Promise.all([scene.sendBody(exchange, body), exchange.complete()]);
      expectEqual(exchange.bodyBytes, body.length, "the bytes that came back");
      const health = await connection.unary("/grpc.health.v1.Health/Check", new Uint8Array());
      expectEqual(health.status, 0, "the gRPC status of health on the same connection");
    },
  },
];

/** An upload whose handler waits, and has sent its head. */
async function waiting(scene: Scene): Promise<Stepping> {
  const stepping = scene.upload(["flush", "wait", "read"]);
  await stepping.exchange.untilHead();
  return stepping;
}

/** A host that breaks the order or the bounds loses that exchange, or that connection, and no more. */
function breaks(
  id: string,
  how: string,
  run: (scene: Scene) => Promise<Stepping["exchange"]>,
): Check {
  return {
    id,
    text: `A host that breaks the contract ${how} loses that exchange or that connection, and no more.`,
    async run(scene) {
      const exchange = await run(scene);
      await exchange.over();
      expectThat(
        exchange.end === undefined || exchange.head?.status !== 200,
        "the exchange ended well",
      );
      await scene.servesOn(await scene.newHost());
    },
  };
}

/** A host that breaks the rules of mux loses the RPC, and no more. */
function endsRpc(
  id: string,
  how: string,
  run: (scene: Scene, stepping: Stepping) => Promise<void>,
): Check {
  return {
    id,
    text: `A host that breaks the rules of mux (${how}) loses the RPC: its exchanges are aborted.`,
    carriers: ["mux"],
    async run(scene) {
      const stepping = await waiting(scene);
      await run(scene, stepping);
      await scene.deadline.until("the end of the RPC", () => scene.mux.ended !== undefined);
      await scene.untilSeen(stepping.key, "the handler's end", ({ state }) => state !== "running");
      await scene.servesOn(await scene.newHost());
    },
  };
}

async function sendAll(exchange: Stepping["exchange"], ...all: RequestParts[]): Promise<void> {
  if (exchange instanceof StreamExchange) {
    // One message each, and the direction stays open.
    await exchange.sendOpen(all);
    return;
  }
  for (const parts of all) {
    await exchange.send(parts);
  }
}

async function writeRaw(
  scene: Scene,
  exchange: Stepping["exchange"],
  bytes: Buffer,
): Promise<void> {
  await (exchange instanceof StreamExchange ? exchange.write(bytes) : scene.mux.write(bytes));
}
