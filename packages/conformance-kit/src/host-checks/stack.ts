import { expectEqual, expectThat } from "../checks/expect.js";
import { valuesOf } from "../client/http-client.js";
import { flags, type Frame, frameTypes } from "../wire/http2-frames.js";
import { answer, head } from "./answers.js";
import type { HostCheck } from "./host-check.js";

/** What other stacks do on the wire: windows, limits, and connections that go. */
export const stackChecks: readonly HostCheck[] = [
  {
    id: "L1.describe",
    text: "The host asks Describe first, for version 1 and with the plugin's id.",
    async run(scene) {
      await scene.recovers();
      const question = scene.plugin.questions.at(-1);
      expectThat(question?.contractVersions.includes(1) === true, "contract_versions has no 1");
      expectThat(
        /^[A-Za-z0-9_.-]{1,128}$/.test(question?.pluginId ?? ""),
        `plugin_id is ${JSON.stringify(question?.pluginId)}`,
      );
    },
  },
  {
    id: "L7.token",
    text: "Every RPC of the host shows the plugin's token.",
    needs: "token",
    async run(scene) {
      const before = scene.plugin.strangers;
      scene.plugin.behave({});
      await scene.recovers();
      expectEqual(scene.plugin.strangers - before, 0, "RPCs without the token");
    },
  },
  {
    id: "S1.unread",
    text: "Uploads that nobody reads leave every other exchange unharmed, on a plugin with 64 KiB of window for a stream and the connection alike.",
    async run(scene) {
      await scene.behave({ windowOpensAsRead: true });
      const stalled = [];
      for (let upload = 0; upload < 12; upload += 1) {
        const request = { body: "stream", isPaused: true } as const;
        const both = await scene.exchange(request, scene.newClient());
        void both.asked.exchange.write(scene.random(300_000)).catch(() => undefined);
        stalled.push(both);
      }
      for (let round = 0; round < 3; round += 1) {
        await Promise.all(Array.from({ length: 10 }, () => scene.servesOn(scene.newClient())));
        const body = scene.random(200_000, `${round}`);
        const { asked, served } = await scene.exchange({ body }, scene.newClient());
        await scene.until("the end of a neighbour's upload", () => served.end !== undefined);
        await answer(served);
        await asked.whole();
      }
      for (const { served } of stalled) {
        expectEqual(served.givenUp, undefined, "a stalled upload was given up");
      }
    },
  },
  {
    id: "S2.streams",
    text: "More exchanges than the plugin takes streams: another connection, or 503 with Retry-After.",
    carriers: ["stream"],
    async run(scene) {
      await scene.behave({ streamsMax: 20 });
      const all = Array.from({ length: 50 }, () => {
        const { path, arrival } = scene.expect();
        void arrival.then((served) => served.send({ init: head(), flush: true }));
        return scene.ask(path, {}, scene.newClient());
      });
      for (const asked of all) {
        const { status, headers } = await asked.head();
        expectThat(
          status === 200 || (status === 503 && valuesOf(headers, "retry-after").length === 1),
          `the status is ${status}, Retry-After: ${valuesOf(headers, "retry-after").join(", ")}`,
        );
      }
    },
  },
  {
    id: "S3.going",
    text: "When the plugin says that it takes no more on a connection, what runs ends, and the rest goes to another.",
    async run(scene) {
      const before = await scene.exchange({ body: "stream" }, scene.newClient());
      await before.served.send({ init: head(), chunk: Buffer.from("be"), flush: true });
      scene.plugin.drain();
      for (let round = 0; round < 5; round += 1) {
        await scene.servesOn(scene.newClient());
      }
      before.asked.end();
      await before.served.send({ chunk: Buffer.from("fore"), end: {} });
      const { body } = await before.asked.whole();
      expectEqual(Buffer.from(body).toString(), "before", "the body of what ran");
    },
  },
  {
    id: "S3.every-exchange",
    text: "A plugin whose connections go after a few exchanges each loses none.",
    async run(scene) {
      await scene.behave({ exchangesPerConnection: 3 });
      const all = Array.from({ length: 5 }, () => scene.newClient());
      for (let round = 0; round < 6; round += 1) {
        await Promise.all(all.map((client) => scene.servesOn(client)));
      }
    },
  },
  {
    id: "S4.resets",
    text: "Clients that leave at once end no connection of a plugin whose stack limits resets.",
    async run(scene) {
      await scene.behave({ unacceptedResetsMax: 20 });
      const neighbour = await scene.exchange({}, scene.newClient());
      await neighbour.served.send({ init: head(), flush: true });
      for (let round = 0; round < 6; round += 1) {
        const all = Array.from({ length: 40 }, () => {
          const { path, arrival } = scene.expect();
          // Nobody answers those that get there.
          void arrival;
          return scene.ask(path, {}, scene.newClient());
        });
        await new Promise((resolve) => setImmediate(resolve));
        for (const asked of all) {
          asked.leave();
        }
        await scene.servesOn();
      }
      await neighbour.served.send({ chunk: Buffer.from("unharmed"), end: {} });
      const { body } = await neighbour.asked.whole();
      expectEqual(Buffer.from(body).toString(), "unharmed", "the neighbour's body");
    },
  },
  {
    id: "S5.reset",
    text: "A request that is given up is reset: its stream has no END_STREAM in front of the reset.",
    carriers: ["stream"],
    async run(scene) {
      const seen = streamEnds();
      await scene.behave({ onFrame: seen.onFrame });
      const { asked, served } = await scene.exchange({ body: "stream" });
      await asked.write(scene.random(1_000));
      await scene.until("the first bytes at the plugin", () => served.bodyBytes === 1_000);
      asked.leave();
      await scene.givenUp(served);
      expectEqual(seen.endedAndReset(), [], "streams that ended and were reset then");
      expectThat(seen.resets > 0, "there was no RST_STREAM");
    },
  },
  {
    id: "W1.ping",
    text: "The host answers HTTP/2's PING.",
    async run(scene) {
      await scene.plugin.pinged((done) => scene.within("the answer to a PING", done));
      await scene.servesOn();
    },
  },
];

function streamEnds() {
  const ended = new Set<number>();
  const reset = new Set<number>();
  return {
    onFrame: ({ type, flags: flag, streamId }: Frame): void => {
      if (type === frameTypes.rstStream) {
        reset.add(streamId);
      } else if (
        (type === frameTypes.data || type === frameTypes.headers) &&
        (flag & flags.endStream) !== 0
      ) {
        ended.add(streamId);
      }
    },
    get resets(): number {
      return reset.size;
    },
    endedAndReset: (): number[] => [...reset].filter((id) => ended.has(id)),
  };
}
