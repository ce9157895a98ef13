import { MuxHost } from "../wire/mux-host.js";
import type { Check } from "./check.js";
import { expectEqual, expectThat } from "./expect.js";
import type { Scene, Stepping } from "./scene.js";

const mebibyte = 1_048_576;

/** Both directions at once, early answers, and clients that leave. */
export const duplexChecks: readonly Check[] = [
  {
    id: "D1.ping-pong",
    text: "A chunk and its echo, a hundred times in one exchange.",
    async run(scene) {
      const { exchange } = scene.upload(["echo"]);
      let size = 0;
      for (let round = 0; round < 100; round += 1) {
        const chunk = scene.random(100 + round, `${round}`);
        size += chunk.length;
        await exchange.send({ chunk });
        await exchange.untilBody(size);
      }
      await exchange.send({ end: {} });
      await exchange.complete();
      expectEqual(exchange.bodyBytes, size, "the bytes that came back");
    },
  },
  {
    id: "D1.head-at-once",
    text: "A plugin is asked nothing before it may answer: the head of an echo comes before the first chunk.",
    async run(scene) {
      const { exchange } = scene.upload(["flush", "echo"]);
      await exchange.untilHead();
      await exchange.send({ end: {} });
      await exchange.complete();
    },
  },
  {
    id: "D2.early",
    text: "An answer to an upload that still runs is complete at once, and leaves nothing behind.",
    async run(scene) {
      const warmUp = 200;
      let before = 0;
      const chunk = scene.random(60_000);
      for (let round = 0; round < warmUp + 400; round += 1) {
        if (round === warmUp) {
          before = await memoryOf(scene);
        }
        const { exchange } = scene.upload(["status=413", "write=20"]);
        void exchange.send({ chunk });
        void exchange.send({ chunk });
        expectEqual((await exchange.complete()).status, 413, "the status");
      }
      await scene.servesOn();
      const grown = (await memoryOf(scene)) - before;
      expectThat(grown <= 32 * mebibyte, `400 early answers cost ${grown} bytes of memory`);
    },
  },
  {
    id: "D3.waiting",
    text: "The handler learns that its client has left while it waits.",
    async run(scene) {
      const { key, exchange } = scene.steps(["flush", "wait"]);
      await exchange.untilHead();
      exchange.reset("client-disconnected");
      await untilTold(scene, key);
    },
  },
  {
    id: "D3.uploading",
    text: "The handler learns that its client has left while it reads.",
    async run(scene) {
      const { key, exchange } = scene.upload(["flush", "read"]);
      await exchange.untilHead();
      await exchange.send({ chunk: scene.random(10_000) });
      exchange.reset("client-disconnected");
      await untilTold(scene, key);
    },
  },
  {
    id: "D3.unread",
    text: "The handler learns that its client has left, also where it has not read what fills the window.",
    async run(scene) {
      const { key, exchange } = scene.upload(["flush", "wait", "read"]);
      await exchange.untilHead();
      const chunk = scene.random(65_536);
      let sent = 0;
      void (async () => {
        for (; sent < 256 && !exchange.isOver; sent += 1) {
          await exchange.send({ chunk });
        }
      })().catch(() => undefined);
      await scene.settled(() => sent);
      exchange.reset("client-disconnected");
      await untilTold(scene, key);
    },
  },
  {
    id: "D3.downloading",
    text: "The handler learns that its client has left while it writes.",
    async run(scene) {
      const { key, exchange } = scene.steps([`write=${1_000 * mebibyte}`]);
      await exchange.untilBody(100_000);
      exchange.reset("client-disconnected");
      await untilTold(scene, key);
    },
  },
  {
    id: "D3.connection",
    text: "When the connection to the host is lost, every handler on it learns it.",
    async run(scene) {
      const all = Array.from({ length: 10 }, () => scene.steps(["flush", "wait"]));
      await Promise.all(all.map(({ exchange }) => exchange.untilHead()));
      scene.host[Symbol.dispose]();
      for (const { key } of all) {
        await untilTold(scene, key);
      }
    },
  },
  {
    id: "D3.reason",
    text: "The handler is told why: the client left, or the time is over.",
    async run(scene) {
      for (const reason of ["client-disconnected", "deadline"] as const) {
        const { key, exchange } = scene.steps(["flush", "wait"]);
        await exchange.untilHead();
        exchange.reset(reason);
        const { aborted } = await untilTold(scene, key);
        expectEqual(aborted, reason, "the reason");
      }
    },
  },
  {
    id: "D6.cancels",
    text: "1,500 cancelled exchanges on one connection leave the others unharmed.",
    async run(scene) {
      const neighbour = scene.upload(["flush", "echo"]);
      await neighbour.exchange.untilHead();
      for (let round = 0; round < 30; round += 1) {
        const all = Array.from({ length: 50 }, () => scene.steps(["flush", "wait"]));
        await Promise.all(all.map(({ exchange }) => exchange.untilHead()));
        for (const { exchange } of all) {
          exchange.reset("client-disconnected");
        }
      }
      await stillEchoes(scene, neighbour);
    },
  },
  {
    id: "C4.at-once",
    text: "Many clients that leave before they were answered leave the others unharmed.",
    async run(scene) {
      const neighbour = scene.upload(["flush", "echo"]);
      await neighbour.exchange.untilHead();
      for (let round = 0; round < 5; round += 1) {
        const count = Math.min(80, scene.host.exchangesMax - 10);
        for (const { exchange } of Array.from({ length: count }, () => scene.steps(["wait"]))) {
          exchange.reset("client-disconnected");
        }
      }
      await stillEchoes(scene, neighbour);
    },
  },
  {
    id: "S1.unread",
    text: "Uploads that nobody reads leave every other exchange unharmed.",
    async run(scene) {
      const all = Array.from({ length: 40 }, () => scene.upload(["flush", "wait", "read"]));
      for (const { exchange } of all) {
        await exchange.untilHead();
        for (let chunk = 0; chunk < 6; chunk += 1) {
          void exchange.send({ chunk: scene.random(50_000) }).catch(() => undefined);
        }
      }
      // As a host does: stalled uploads don't own the connection of the others.
      const others = scene.carrier === "mux" ? scene.host : await scene.newHost();
      for (let round = 0; round < 10; round += 1) {
        const { exchange } = scene.upload(["echo"], {}, others);
        const body = scene.random(100_000, `${round}`);
        const sending = scene.sendBody(exchange, body, 30_000);
        await Promise.all([sending, exchange.complete()]);
        expectEqual(exchange.bodyBytes, body.length, "the bytes of a neighbour");
      }
    },
  },
  {
    id: "C1.stalled-readers",
    text: "Clients that do not read leave every other exchange unharmed.",
    async run(scene) {
      const all = Array.from({ length: 30 }, () => scene.steps([`write=${10 * mebibyte}`]));
      for (const { exchange } of all) {
        exchange.pause();
      }
      for (let round = 0; round < 10; round += 1) {
        await scene.servesOn();
      }
      if (scene.host instanceof MuxHost) {
        scene.noViolation();
      }
    },
  },
  {
    id: "W4.bulk",
    text: "A bulk transfer does not keep small requests waiting until it has ended.",
    async run(scene) {
      const bulk = scene.steps([`write=${1_000 * mebibyte}`]);
      await bulk.exchange.untilBody(mebibyte);
      for (let round = 0; round < 10; round += 1) {
        await scene.servesOn();
      }
      expectEqual(bulk.exchange.isOver, false, "the bulk transfer was over before");
      bulk.exchange.reset("client-disconnected");
    },
  },
  {
    id: "W2.byte-by-byte",
    text: "A message may arrive in frames of a single byte.",
    async run(scene) {
      const init = scene.init("/describe/sliced");
      const exchange = scene.host.openSliced({ init, end: {} }, 1);
      expectEqual((await scene.description(exchange)).url, "/describe/sliced", "the url");
    },
  },
  {
    id: "O9.memory",
    text: "A long transfer, up and down, needs at most 32 MiB more of memory.",
    needsProcess: true,
    async run(scene) {
      const total = 128 * mebibyte;
      // What a runtime takes at most while it gets warm is no growth.
      const warmUp = 64 * mebibyte;
      const { exchange } = scene.upload(["echo"]);
      const chunk = scene.random(65_536);
      let before = 0;
      let most = 0;
      for (let sent = 0; sent < total; sent += chunk.length) {
        await exchange.send({ chunk });
        if (sent % (2 * mebibyte) === 0) {
          const now = await memoryOf(scene);
          before = sent <= warmUp ? Math.max(before, now) : before;
          most = Math.max(most, now);
        }
      }
      await exchange.send({ end: {} });
      await exchange.complete();
      expectEqual(exchange.bodyBytes, total, "the bytes that came back");
      expectThat(most - before <= 32 * mebibyte, `it grew by ${most - before} bytes`);
    },
  },
];

/** Waits until the handler has ended because of its client. */
function untilTold(scene: Scene, key: string) {
  return scene.untilSeen(key, "the handler's end, and a reason", ({ state, aborted }) => {
    return state !== "running" && aborted !== "";
  });
}

async function stillEchoes(scene: Scene, { exchange }: Stepping): Promise<void> {
  const body = scene.random(50_000, "neighbour");
  await scene.sendBody(exchange, body, 10_000);
  await exchange.complete();
  expectEqual(exchange.bodyBytes, body.length, "the bytes of the neighbour");
  await scene.servesOn();
  scene.noViolation();
}

/** Zero where the system does not say, or the plugin is no process of the kit's. */
async function memoryOf(scene: Scene): Promise<number> {
  return (await scene.plugin.process?.memoryBytes()) ?? 0;
}
