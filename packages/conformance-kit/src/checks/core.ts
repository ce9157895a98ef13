import { createHash } from "node:crypto";
import { StreamExchange } from "../wire/stream-host.js";
import type { Check } from "./check.js";
import { duplexChecks } from "./duplex.js";
import { expectEqual, expectThat } from "./expect.js";
import { lifecycleChecks } from "./lifecycle.js";
import type { Scene } from "./scene.js";

const mebibyte = 1_048_576;

/** Those of the checks of a whole plugin that need nothing but an echo. */
const ofEchoes = [...duplexChecks, ...lifecycleChecks].filter(({ id }) =>
  [
    "D1.ping-pong",
    "D1.head-at-once",
    "O9.memory",
    "L1.describe",
    "L1.version",
    "L4.health",
    "L7.token",
    "L5.drain",
    "L6.socket-file",
  ].includes(id),
);

/**
 * What the smallest correct plugin does: it echoes whatever it is asked, fails where the url ends with
 * `?fail`, and says at `/cut` how many uploads were cut off.
 */
export const coreChecks: readonly Check[] = [
  {
    id: "Q2.no-body",
    text: "A request without a body is answered with a whole response, whether its end comes with the head or behind it.",
    async run(scene) {
      const whole = scene.open({ init: scene.init("/"), end: {} });
      const apart = scene.open({ init: scene.init("/") });
      await apart.send({ end: {} });
      for (const exchange of [whole, apart]) {
        expectEqual((await exchange.complete()).status, 200, "the status");
        expectEqual(exchange.bodyBytes, 0, "the bytes of the body");
      }
    },
  },
  {
    id: "Q3.sizes",
    text: "A body of any size comes back in order and whole, in chunks of 1 byte to 64 KiB.",
    async run(scene) {
      for (const size of [1, 65_535, 65_536, 65_537, mebibyte]) {
        const body = scene.random(size, `${size}`);
        const exchange = scene.open({ init: scene.init("/", upload) });
        await Promise.all([scene.sendBody(exchange, body), exchange.complete()]);
        expectEqual(
          [exchange.bodyBytes, exchange.sha256],
          [size, sha256(body)],
          "bytes and SHA-256",
        );
        expectThat(
          exchange.longestChunkBytes <= 65_536,
          `a chunk of ${exchange.longestChunkBytes} bytes: 65,536 are allowed`,
        );
      }
    },
  },
  {
    id: "Q3.merged",
    text: "Head, a chunk and the end may come in one message.",
    async run(scene) {
      const body = scene.random(20_000);
      const exchange = scene.open({ init: scene.init("/", upload), chunk: body, end: {} });
      await exchange.complete();
      expectEqual(
        [exchange.bodyBytes, exchange.sha256],
        [20_000, sha256(body)],
        "bytes and SHA-256",
      );
    },
  },
  {
    id: "Q5.backpressure",
    text: "A client that does not read stops the echo, and so the upload: what waits is bounded.",
    async run(scene) {
      const total = 40 * mebibyte;
      const host = await scene.newHost(65_535);
      const exchange = scene.open({ init: scene.init("/", upload) }, host);
      await exchange.untilHead();
      exchange.pause();
      const chunk = scene.random(65_536);
      const hash = createHash("sha256");
      let sent = 0;
      const sending = (async () => {
        for (; sent < total; sent += chunk.length) {
          hash.update(chunk);
          await exchange.send({ chunk });
        }
        await exchange.send({ end: {} });
      })();
      const stalled = await scene.settled(() => sent);
      expectThat(
        stalled <= 24 * mebibyte,
        `${stalled} of ${total} bytes were taken, and none of the echo was read: nothing holds the client back`,
      );
      exchange.resume();
      await Promise.all([sending, exchange.complete()]);
      expectEqual(
        [exchange.bodyBytes, exchange.sha256],
        [total, hash.digest("hex")],
        "what came after all",
      );
    },
  },
  {
    id: "Q7.half-close",
    text: "An upload that stops without its end never gets a whole response.",
    carriers: ["stream"],
    async run(scene) {
      const exchange = scene.open({ init: scene.init("/", { ...upload, contentLength: 1_000n }) });
      await exchange.send({ chunk: scene.random(1_000) });
      await exchange.untilBody(1_000);
      if (exchange instanceof StreamExchange) {
        exchange.halfClose();
      }
      await exchange.over();
      expectEqual(exchange.end, undefined, "the end of the response");
    },
  },
  {
    id: "Q7.reset",
    text: "An upload that is cut off by a reset is counted as one: it never looks whole to the handler.",
    async run(scene) {
      const before = await cuts(scene);
      for (let round = 0; round < 3; round += 1) {
        const exchange = scene.open({ init: scene.init("/", upload) });
        await exchange.send({ chunk: scene.random(1_000) });
        await exchange.untilBody(1_000);
        exchange.reset("client-disconnected");
      }
      await untilCuts(scene, before + 3);
    },
  },
  {
    id: "Q7.connection",
    text: "An upload that is cut off with its connection is counted as one.",
    async run(scene) {
      const before = await cuts(scene);
      const host = await scene.newHost();
      const exchange = scene.open({ init: scene.init("/", upload) }, host);
      await exchange.send({ chunk: scene.random(1_000) });
      await exchange.untilBody(1_000);
      host[Symbol.dispose]();
      await untilCuts(scene, before + 1);
    },
  },
  {
    id: "D6.cancels",
    text: "500 clients that leave end no connection, and leave the others unharmed.",
    async run(scene) {
      const neighbour = scene.open({ init: scene.init("/", upload) });
      await neighbour.untilHead();
      for (let round = 0; round < 10; round += 1) {
        const all = Array.from({ length: 50 }, () => scene.open({ init: scene.init("/", upload) }));
        await Promise.all(all.map((exchange) => exchange.untilHead()));
        for (const exchange of all) {
          exchange.reset("client-disconnected");
        }
      }
      await neighbour.send({ chunk: scene.random(10_000), end: {} });
      await neighbour.complete();
      expectEqual(neighbour.bodyBytes, 10_000, "the bytes of the neighbour");
      await scene.servesOn();
    },
  },
  {
    id: "F1.fails",
    text: "A handler that fails, by an exception or a panic, is a 500 without detail or a failed exchange, and harms no other.",
    async run(scene) {
      const neighbour = scene.open({ init: scene.init("/", upload) });
      await neighbour.untilHead();
      for (let round = 0; round < 20; round += 1) {
        const exchange = scene.open({ init: scene.init("/any?fail"), end: {} });
        await exchange.over();
        expectThat(
          exchange.failure !== undefined || exchange.head?.status === 500,
          `it looks well: ${exchange.outcome()}`,
        );
        expectThat(
          !/CANCEL|code 8/.test(exchange.failure ?? ""),
          `it came to ${exchange.failure}, which says that the host gave up`,
        );
      }
      await neighbour.send({ chunk: scene.random(10_000), end: {} });
      await neighbour.complete();
      expectEqual(neighbour.bodyBytes, 10_000, "the bytes of the neighbour");
    },
  },
  ...ofEchoes,
];

const upload = { method: "POST", contentLength: -1n } as const;

/** How many uploads were cut off so far, by the plugin's own words. */
async function cuts(scene: Scene): Promise<number> {
  const exchange = scene.open({ init: scene.init("/cut"), end: {} }, await scene.newHost());
  await exchange.complete();
  const text = exchange.body.toString("latin1");
  expectThat(/^\d+$/.test(text), `/cut says ${JSON.stringify(text)}, which is no number`);
  return Number(text);
}

async function untilCuts(scene: Scene, wanted: number): Promise<void> {
  let last = 0;
  while (!scene.deadline.isPast) {
    last = await cuts(scene);
    if (last >= wanted) {
      return;
    }
    await scene.settled(() => 0);
  }
  throw new Error(
    `/cut says ${last} in place of ${wanted}: the handler took a cut upload for whole`,
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
