import { expectEqual, expectThat } from "../checks/expect.js";
import type { BothEnds, HostScene } from "../host/host-scene.js";
import { answer, head } from "./answers.js";
import type { HostCheck } from "./host-check.js";

const mebibyte = 1_048_576;

/** Both directions at once, early answers, clients that leave, and times. */
export const duplexChecks: readonly HostCheck[] = [
  {
    id: "D1.ping-pong",
    text: "A chunk and its echo, a hundred times in one exchange.",
    async run(scene) {
      const both = await echoing(scene);
      for (let round = 0; round < 100; round += 1) {
        await echo(scene, both, scene.random(100 + round, `${round}`));
      }
      both.asked.end();
      await scene.until("the end of the request", () => both.served.end !== undefined);
      await both.served.send({ end: {} });
      await both.asked.whole();
    },
  },
  {
    id: "D2.early",
    text: "An answer to an upload that still runs is whole at the client at once.",
    async run(scene) {
      for (let round = 0; round < 50; round += 1) {
        const client = scene.newClient();
        const { asked, served } = await scene.exchange({ body: "stream", isPaused: true }, client);
        await asked.write(scene.random(30_000));
        await answer(served, 413, "too much");
        const { status, body } = await asked.whole();
        expectEqual([status, Buffer.from(body).toString()], [413, "too much"], "the answer");
      }
      await scene.servesOn(scene.newClient());
    },
  },
  {
    id: "D3.waiting",
    text: "When the client leaves while the plugin has not answered, the exchange is given up with its reason.",
    async run(scene) {
      const { asked, served } = await scene.exchange();
      asked.leave();
      expectClientLeft(await scene.givenUp(served));
    },
  },
  {
    id: "D3.uploading",
    text: "When the client leaves while it uploads, the exchange is given up with its reason.",
    async run(scene) {
      const { asked, served } = await scene.exchange({ body: "stream" });
      await asked.write(scene.random(10_000));
      await scene.until("the first bytes at the plugin", () => served.bodyBytes === 10_000);
      asked.leave();
      expectClientLeft(await scene.givenUp(served));
      expectEqual(served.end, undefined, "the end of the request at the plugin");
    },
  },
  {
    id: "D3.unread",
    // Over HTTP/1.1 nobody can see past what was not read.
    over: "http2",
    text: "When the client leaves, the plugin learns it, also where it has not read what fills the windows.",
    async run(scene) {
      const { asked, served } = await scene.exchange({ body: "stream", isPaused: true });
      void asked.exchange.write(scene.random(8 * mebibyte)).catch(() => undefined);
      await scene.settled(() => served.bodyBytes);
      asked.leave();
      expectClientLeft(await scene.givenUp(served));
    },
  },
  {
    id: "D3.downloading",
    text: "When the client leaves while the plugin writes, the exchange is given up with its reason.",
    async run(scene) {
      const { asked, served } = await scene.exchange();
      await served.send({ init: head(), flush: true });
      let isWriting = true;
      void (async () => {
        const chunk = scene.random(65_536);
        while (isWriting && served.givenUp === undefined) {
          await served.send({ chunk });
        }
      })();
      await asked.readBytes(200_000);
      asked.leave();
      const reason = await scene.givenUp(served);
      isWriting = false;
      expectClientLeft(reason);
    },
  },
  {
    id: "D5.head",
    text: "A plugin that sends no head in time is a 504, and its exchange is given up with its reason.",
    needs: "headSeconds",
    async run(scene) {
      const { asked, served } = await scene.exchange();
      expectEqual((await asked.whole()).status, 504, "the status");
      expectThat(
        /^(?:RST_STREAM with code 11|reset with code 2)$/.test(await scene.givenUp(served)),
        `the plugin got ${served.givenUp}, which does not say that the time is over`,
      );
      await scene.servesOn(scene.newClient());
    },
  },
  {
    id: "D5.idle",
    text: "A response that stalls is broken when the host's time for silence is over.",
    needs: "idleSeconds",
    async run(scene) {
      const { asked, served } = await scene.exchange();
      await served.send({ init: head(), chunk: Buffer.from("half"), flush: true });
      expectEqual(await asked.outcome(), "broken behind status 200", "the outcome");
      await scene.givenUp(served);
      await scene.servesOn(scene.newClient());
    },
  },
  {
    id: "D6.cancels",
    text: "Hundreds of clients that leave end no connection to the plugin, and leave the others unharmed.",
    async run(scene) {
      const neighbour = await echoing(scene);
      for (let round = 0; round < 10; round += 1) {
        const all = await Promise.all(
          Array.from({ length: 40 }, async () => scene.exchange({}, scene.newClient())),
        );
        for (const { asked } of all) {
          asked.leave();
        }
        await Promise.all(all.map(({ served }) => scene.givenUp(served)));
      }
      await echo(scene, neighbour, scene.random(10_000));
      expectEqual(neighbour.served.givenUp, undefined, "the neighbour was given up");
    },
  },
  {
    id: "C1.stalled-readers",
    text: "Clients that do not read leave every other exchange unharmed.",
    async run(scene) {
      const chunk = scene.random(65_536);
      for (let reader = 0; reader < 6; reader += 1) {
        const { asked, served } = await scene.exchange({}, scene.newClient());
        await served.send({ init: head(), flush: true });
        await asked.head();
        void (async () => {
          for (
            let sent = 0;
            sent < 10 * mebibyte && served.givenUp === undefined;
            sent += chunk.length
          ) {
            await served.send({ chunk });
          }
        })();
      }
      for (let round = 0; round < 10; round += 1) {
        await scene.servesOn();
      }
    },
  },
  {
    id: "W4.bulk",
    text: "A bulk transfer does not keep small requests waiting until it has ended.",
    async run(scene) {
      const { asked, served } = await scene.exchange({}, scene.newClient());
      await served.send({ init: head(), flush: true });
      let isReading = true;
      const chunk = scene.random(65_536);
      void (async () => {
        while (served.givenUp === undefined) {
          await served.send({ chunk });
        }
      })();
      const reading = (async () => {
        while (isReading) {
          await asked.exchange.read();
        }
      })();
      for (let round = 0; round < 10; round += 1) {
        await scene.servesOn();
      }
      expectEqual(served.givenUp, undefined, "the bulk transfer was given up");
      isReading = false;
      await reading;
      asked.leave();
    },
  },
];

/** An exchange whose head has come, and whose request goes on. */
async function echoing(scene: HostScene): Promise<BothEnds> {
  const both = await scene.exchange({ body: "stream" }, scene.newClient());
  await both.served.send({ init: head(), flush: true });
  await both.asked.head();
  return both;
}

/** Sends a chunk there and back. */
async function echo(scene: HostScene, { asked, served }: BothEnds, chunk: Buffer): Promise<void> {
  const before = served.bodyBytes;
  await asked.write(chunk);
  await scene.until("the chunk at the plugin", () => served.bodyBytes === before + chunk.length);
  await served.send({ chunk });
  expectThat((await asked.readBytes(chunk.length)).equals(chunk), "the chunk came back otherwise");
}

function expectClientLeft(givenUp: string): void {
  // plugin.proto, ServeHTTP: codes 1, 2 and 11 say something else.
  expectThat(
    /^(?:RST_STREAM with code (?!(?:1|2|11)$)\d+|reset with code 1)$/.test(givenUp),
    `the plugin got ${givenUp}, which does not say that the client left`,
  );
}
