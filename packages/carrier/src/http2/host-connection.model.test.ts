import { createHash } from "node:crypto";
import { createServer, type ServerHttp2Stream } from "node:http2";
import { ConnectedSockets, randomRuns, until } from "@servehttp/testkit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { HostConnectionRig, type StreamRecorder } from "../test-rig/host-connection-rig.js";
import { errorCode } from "./frames.js";

/** What is done with one stream of a connection to a server that echoes. */
interface Plan {
  /** Messages, by their bytes. */
  readonly messages: readonly number[];
  /** Pauses at every so many pieces of the echo, for a turn. */
  readonly pauseEvery: number;
  /** Whether it is given up behind its messages. */
  readonly givesUp: boolean;
}

const plans: fc.Arbitrary<Plan> = fc.record({
  messages: fc.array(fc.integer({ min: 1, max: 90_000 }), { minLength: 1, maxLength: 6 }),
  pauseEvery: fc.integer({ min: 1, max: 20 }),
  givesUp: fc.boolean(),
});

const settings = fc.record({
  initialWindowSize: fc.integer({ min: 4_000, max: 200_000 }),
  maxFrameSize: fc.integer({ min: 16_384, max: 100_000 }),
  headerTableSize: fc.constantFrom(0, 100, 4_096, 8_192),
});

test("whatever a server on node:http2 allows, streams carry theirs and disturb no other", async () => {
  await fc.assert(
    fc.asyncProperty(
      settings,
      fc.array(plans, { minLength: 1, maxLength: 8 }),
      async (theirs, streams) => {
        await using sockets = await ConnectedSockets.open();
        const server = createServer({ settings: theirs });
        server.on("session", (session) => session.on("error", () => undefined));
        server.on("stream", (stream: ServerHttp2Stream) => {
          stream.on("error", () => undefined);
          if (stream.destroyed) {
            return;
          }
          stream.respond({ ":status": 200, "content-type": "application/grpc" });
          stream.pipe(stream);
        });
        server.emit("connection", sockets.plugin);
        const rig = new HostConnectionRig(sockets.host);
        const opened = await Promise.all(streams.map((plan, index) => run(rig, plan, index)));
        await until(
          () => opened.every(({ recorder, plan }) => plan.givesUp || recorder.over),
          "all ends",
        );
        const kept = opened.filter(({ plan }) => !plan.givesUp);
        expect(kept.map(({ recorder }) => recorder.trailers !== undefined)).toEqual(
          kept.map(() => true),
        );
        expect(kept.map(({ recorder }) => hashOf(recorder.chunks))).toEqual(
          kept.map(({ sent }) => hashOf(sent)),
        );
        expect(opened.flatMap(({ recorder }) => recorder.faults)).toEqual([]);
        await until(() => rig.connection.streamCount === 0, "all streams are over");
        expect(rig.error).toBeUndefined();
        rig.connection.retire();
      },
    ),
    randomRuns(200),
  );
}, 120_000);

async function run(
  rig: HostConnectionRig,
  plan: Plan,
  index: number,
): Promise<{ recorder: StreamRecorder; plan: Plan; sent: Buffer[] }> {
  const sent = plan.messages.map((bytes, at) => Buffer.alloc(bytes, 16 * index + at));
  const [first, ...rest] = sent as [Buffer, ...Buffer[]];
  const isOnly = rest.length === 0 && !plan.givesUp;
  const recorder = rig.open(first, isOnly);
  let pieces = 0;
  recorder.onData = () => {
    pieces += 1;
    if (pieces % plan.pauseEvery === 0) {
      recorder.stream.pause();
      setImmediate(() => recorder.stream.resume());
    }
  };
  for (const [at, message] of rest.entries()) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    recorder.write(message, at === rest.length - 1 && !plan.givesUp);
  }
  if (plan.givesUp) {
    recorder.stream.reset(errorCode.cancel);
  }
  return { recorder, plan, sent };
}

function hashOf(chunks: readonly Buffer[]): string {
  const hash = createHash("sha256");
  for (const chunk of chunks) {
    hash.update(chunk);
  }
  return hash.digest("hex");
}
