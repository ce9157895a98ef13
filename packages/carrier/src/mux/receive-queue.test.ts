import {
  GrowthBudget,
  mergeResponseParts,
  muxGrowthAfterBytes,
  muxGrowthBytesMax,
  muxWindowBytes,
  muxWindowGrowthBytes,
  plainEnd,
  type ResponseParts,
} from "@servehttp/contract";
import { expect, test } from "vitest";
import { turns } from "@servehttp/testkit";
import { ReceiveQueue } from "./receive-queue.js";
import { copiedBytes } from "../test-rig/copied-bytes.js";
import { Recorder } from "../test-rig/recorder.js";

test("parts that come while others are being taken wait, and are joined where they are small", async () => {
  const { receiveQueue, recorder } = makeReceiveQueue();
  recorder.hold();
  receiveQueue.receive({ init: { status: 200, headers: [] } });
  const count = 100_000;
  for (let at = 0; at < count; at += 1) {
    receiveQueue.receive({ chunk: Buffer.from([at & 0xff]), flush: true });
  }
  receiveQueue.receive({ end: plainEnd });
  expect(recorder.parts).toHaveLength(1);
  recorder.release();
  await recorder.untilEnded();
  expect(recorder.bytes).toBe(count);
  expect(recorder.body.every((octet, at) => octet === (at & 0xff))).toBe(true);
  expect(recorder.parts.length).toBeLessThan(20);
  expect(recorder.parts.at(-1)).toMatchObject({ flush: true, end: plainEnd });
  expect(recorder.faults).toEqual([]);
});

test.each([1, 3, 1_000, 8_000, 16_000])(
  "bytes that wait are copied at most three times where they come %i at a time (H2)",
  (size) => {
    const { receiveQueue, recorder } = makeReceiveQueue();
    recorder.hold();
    receiveQueue.receive({ init: { status: 200, headers: [] } });
    const chunk = Buffer.alloc(size);
    const count = Math.floor(muxWindowBytes / size);
    const copied = copiedBytes(() => {
      for (let at = 0; at < count; at += 1) {
        receiveQueue.receive({ chunk });
      }
    });
    expect(copied).toBeLessThan(3 * muxWindowBytes);
  },
);

test("large chunks that wait are not copied", async () => {
  const { receiveQueue, recorder } = makeReceiveQueue();
  recorder.hold();
  receiveQueue.receive({ init: { status: 200, headers: [] } });
  const chunks = [Buffer.alloc(10_000, 1), Buffer.alloc(10_000, 2), Buffer.alloc(10_000, 3)];
  for (const chunk of chunks) {
    receiveQueue.receive({ chunk });
  }
  recorder.release();
  await turns(2);
  expect(recorder.parts.slice(1).map(({ chunk }) => chunk)).toEqual(chunks);
  expect(recorder.parts.slice(1).every(({ chunk }, at) => chunk === chunks[at])).toBe(true);
});

test("bytes that were joined stay what they are while more come behind them", async () => {
  const { receiveQueue, recorder } = makeReceiveQueue();
  recorder.hold();
  const taken: Buffer[] = [];
  recorder.onParts = ({ chunk }) => chunk !== undefined && taken.push(chunk as Buffer);
  for (let at = 0; at < 300; at += 1) {
    receiveQueue.receive({ chunk: Buffer.alloc(7, at) });
    if (at % 10 === 9) {
      recorder.takeOne();
      await turns(1);
    }
  }
  recorder.release();
  await turns(2);
  const octets = Buffer.concat(taken);
  expect(octets).toHaveLength(2_100);
  expect(octets.every((octet, at) => octet === (Math.floor(at / 7) & 0xff))).toBe(true);
});

test("a flood of flushes takes no memory", async () => {
  const { receiveQueue, recorder } = makeReceiveQueue();
  recorder.hold();
  receiveQueue.receive({ init: { status: 200, headers: [] } });
  for (let at = 0; at < 100_000; at += 1) {
    receiveQueue.receive({ flush: true });
  }
  recorder.release();
  await turns(2);
  expect(recorder.parts).toHaveLength(2);
});

test("credit is given back for what was taken, not for what came", async () => {
  const { receiveQueue, recorder, credits } = makeReceiveQueue();
  recorder.hold();
  for (let bytes = 0; bytes < muxWindowBytes; bytes += 65_536) {
    receiveQueue.receive({ chunk: Buffer.alloc(65_536) });
  }
  expect(credits).toEqual([]);
  expect(() => receiveQueue.receive({ chunk: Buffer.alloc(1) })).toThrow(
    expect.objectContaining({ code: "protocol-violation" }),
  );
  recorder.takeOne();
  await turns(1);
  recorder.release();
  await turns(2);
  expect(credits.reduce((sum, bytes) => sum + bytes, 0)).toBe(muxWindowBytes);
});

test("nothing is delivered behind a close, though the receiver takes its time", async () => {
  const { receiveQueue, recorder, credits } = makeReceiveQueue();
  recorder.hold();
  receiveQueue.receive({ chunk: Buffer.alloc(200_000) });
  receiveQueue.receive({ flush: true });
  receiveQueue.close();
  receiveQueue.receive({ flush: true });
  recorder.release();
  await turns(2);
  expect([recorder.parts.length, recorder.faults, credits]).toEqual([1, [], []]);
});

test("nothing is delivered behind a close out of the receiver itself", async () => {
  const { receiveQueue, recorder } = makeReceiveQueue();
  recorder.onParts = () => receiveQueue.close();
  recorder.hold();
  receiveQueue.receive({ flush: true });
  receiveQueue.receive({ flush: true });
  recorder.release();
  await turns(2);
  receiveQueue.receive({ flush: true });
  expect(recorder.parts).toHaveLength(1);
});

test("a consumer that keeps up with bulk is given a wider window, once, while the budget lasts", () => {
  const budget = new GrowthBudget();
  const count = Math.floor(muxGrowthBytesMax / muxWindowGrowthBytes);
  const bulkBytes = muxGrowthAfterBytes + 2 * muxWindowBytes;
  const receiveQueues = Array.from({ length: count + 1 }, () => makeReceiveQueue(budget));
  const chunk = Buffer.alloc(65_536);
  for (const { receiveQueue } of receiveQueues) {
    for (let bytes = 0; bytes < bulkBytes; bytes += 65_536) {
      receiveQueue.receive({ chunk });
    }
  }
  const given = receiveQueues.map(({ credits }) =>
    credits.reduce((sum, credit) => sum + credit, 0),
  );
  const late = given.pop();
  expect(new Set(given)).toEqual(new Set([bulkBytes + muxWindowGrowthBytes]));
  expect(late).toBe(bulkBytes);
  // Whichever way an exchange ends, another may have what it had.
  receiveQueues[0]!.receiveQueue.receive({ end: plainEnd });
  receiveQueues[1]!.receiveQueue.close();
  expect([1, 2, 3].map(() => budget.take(muxWindowGrowthBytes))).toEqual([true, true, false]);
});

test("a consumer that holds something whenever it takes something has the window that it began with", async () => {
  const { receiveQueue, recorder, credits } = makeReceiveQueue();
  recorder.hold();
  const chunk = Buffer.alloc(65_536);
  const bulkBytes = muxGrowthAfterBytes + 2 * muxWindowBytes;
  let openBytes = muxWindowBytes;
  let givenBytes = 0;
  for (let takenBytes = 0; takenBytes < bulkBytes; takenBytes += 65_536) {
    // All that it may send is always on its way.
    while (openBytes >= 65_536) {
      receiveQueue.receive({ chunk });
      openBytes -= 65_536;
    }
    recorder.takeOne();
    await turns(2);
    const creditBytes = credits.splice(0).reduce((sum, one) => sum + one, 0);
    openBytes += creditBytes;
    givenBytes += creditBytes;
  }
  expect(givenBytes).toBe(bulkBytes);
});

function makeReceiveQueue(budget = new GrowthBudget()) {
  const recorder = new Recorder<ResponseParts>();
  const credits: number[] = [];
  const giveCredit = (bytes: number) => {
    if (bytes > 0) {
      credits.push(bytes);
    }
  };
  const receiveQueue = new ReceiveQueue<ResponseParts>(
    recorder,
    { giveCredit },
    budget,
    mergeResponseParts,
  );
  return { receiveQueue, recorder, credits };
}
