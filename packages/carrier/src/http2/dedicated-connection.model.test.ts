import * as fc from "fast-check";
import { expect, test } from "vitest";
import { randomRuns, socketPair, turns } from "@servehttp/testkit";
import { encodeFields } from "./hpack.js";
import { frame, frameFlag, frameHeadBytes, frameType, preface, settingsFrame } from "./frames.js";
import { DedicatedConnection } from "./dedicated-connection.js";
import { RpcRecorder } from "../test-rig/rpc-recorder.js";

const ends = ["host", "plugin"] as const;
const fields = encodeFields({ ":status": "200", "content-type": "application/grpc" });
const streamId = fc.oneof({ weight: 8, arbitrary: fc.constant(1) }, fc.constantFrom(0, 2, 3));
const flags = fc.oneof(fc.constantFrom(0, 1, 4, 5, 8, 0x20, 0x2d), fc.nat(255));
const payload = fc.oneof(fc.constant(fields), fc.uint8Array({ maxLength: 20 }));

const anyFrame = fc
  .tuple(fc.oneof(fc.nat(10), fc.nat(255)), flags, streamId, payload)
  .map(([type, flag, id, octets]) => frame(type, flag, id, octets));

/** What keeps a connection going, so that what is wrong comes in every state. */
const rightFrame = fc.constantFrom(
  frame(frameType.headers, frameFlag.endHeaders, 1, fields),
  frame(frameType.headers, frameFlag.endHeaders | frameFlag.endStream, 1, fields),
  frame(frameType.headers, 0, 1, fields),
  frame(frameType.continuation, frameFlag.endHeaders, 1, fields),
  frame(frameType.data, 0, 1, Buffer.from("data")),
  frame(frameType.data, frameFlag.endStream, 1, Buffer.alloc(0)),
  frame(frameType.ping, 0, 0, Buffer.alloc(8)),
  settingsFrame([[4, 100]]),
  settingsFrame([[5, 20_000]]),
  frame(frameType.windowUpdate, 0, 1, Buffer.from([0, 0, 1, 0])),
  frame(frameType.windowUpdate, 0, 0, Buffer.from([0, 1, 0, 0])),
  frame(frameType.goaway, 0, 0, Buffer.from([0, 0, 0, 1, 0, 0, 0, 0])),
);

const octets = fc
  .tuple(
    fc.array(fc.oneof({ weight: 6, arbitrary: rightFrame }, { weight: 1, arbitrary: anyFrame }), {
      maxLength: 12,
    }),
    fc.uint8Array({ maxLength: 12 }),
  )
  .map(([frames, rest]) => Buffer.concat([...frames, rest]));

test.each(ends)(
  "whatever a %s is sent, and whatever it does meanwhile, it closes once and says nothing behind the end",
  async (end) => {
    const act = fc.constantFrom("write", "end", "cancel", "read", "read", "read");
    await fc.assert(
      fc.asyncProperty(
        octets,
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 }),
        fc.array(act, { maxLength: 12 }),
        async (input, cuts, acts) => {
          const pair = socketPair([100_000]);
          const peer = end === "host" ? pair.plugin : pair.host;
          peer.resume();
          peer.on("error", () => undefined);
          const recorder = new RpcRecorder();
          const rpc =
            end === "host"
              ? DedicatedConnection.open(pair.host, {})
              : DedicatedConnection.accept(pair.plugin, {});
          rpc.listen(recorder);
          const rest = { octets: end === "host" ? input : Buffer.concat([preface, input]) };
          let writing = false;
          for (const [turn, one] of [...acts, "read" as const].entries()) {
            if (one === "write" && !writing) {
              writing = true;
              rpc.write([Buffer.alloc(frameHeadBytes + 70_000)], () => (writing = false));
            } else if (one === "end") {
              rpc.end({ "grpc-status": "0" });
            } else if (one === "cancel") {
              rpc.cancel();
            }
            const bytes =
              turn === acts.length ? rest.octets.length : (cuts[turn % cuts.length] ?? 1);
            rpc.start(rest.octets.subarray(0, bytes));
            rest.octets = rest.octets.subarray(bytes);
            await turns(1);
          }
          expect(recorder.closings.length).toBe(rpc.closed ? 1 : 0);
          rpc.destroy();
          await turns(2);
          pair.host.destroy();
          pair.plugin.destroy();
          expect([recorder.closings.length, recorder.faults]).toEqual([1, []]);
          // Nothing but what a peer is told, or a programming error of this end's would be taken
          // for one.
          expect(["connection-lost", "protocol-violation", undefined]).toContain(
            recorder.closings[0]?.code,
          );
        },
      ),
      randomRuns(500),
    );
  },
);
