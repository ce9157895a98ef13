import { describe, expect, test } from "vitest";
import { FrameBatch } from "./frame-batch.js";
import type { Frame, FrameQueue } from "./frame-queue.js";
import {
  bodyChunkBytesMax,
  muxBatchBytesMax,
  muxCreditBytesMax,
  muxGrowthAfterBytes,
  muxGrowthBytesMax,
  muxLoneBatchBytesMax,
  muxMessageBytesMax,
  muxWaitingBytesMax,
  muxWaitingGrowthBytes,
  muxWindowBytes,
} from "./limits.js";
import { bodyBytesOf, requestPartRules, responsePartRules } from "./part-rules.js";
import { plainEnd, type RequestParts, type ResponseInit, type ResponseParts } from "./parts.js";
import { ServeHTTPError } from "./servehttp-error.js";
import { framesOf } from "./test-rig/frames-of.js";

const head: ResponseInit = { status: 200, headers: ["content-type", "text/plain"] };
const earlyHints = { status: 103, headers: [] };
const clientDisconnected = new ServeHTTPError("client-disconnected", "the client left");
const notNeeded = new ServeHTTPError("request-not-needed", "answered in full");

/** A plugin's way out, and what it told its carrier. */
function responses() {
  const told: string[] = [];
  const batch = new FrameBatch<ResponseParts, string>(responsePartRules, {
    onReady: () => told.push("ready"),
    onOpened: (owner, exchangeId) => told.push(`opened ${owner} as ${exchangeId}`),
    onRoom: (owner) => told.push(`room ${owner}`),
    onFinished: (owner) => told.push(`finished ${owner}`),
  });
  return { batch, told };
}

/** A frame as a line: what is in it, with the length of its chunk. */
function line(frame: Frame<ResponseParts> | Frame<RequestParts>): string {
  const words = [String(frame.exchangeId)];
  for (const [name, part] of Object.entries(frame.parts ?? {})) {
    words.push(part instanceof Uint8Array ? `${name}:${part.length}` : name);
  }
  if (frame.creditBytes > 0) {
    words.push(`credit:${frame.creditBytes}`);
  }
  if (frame.reset !== undefined) {
    words.push(`reset:${frame.reset.code}`);
  }
  return words.join(" ");
}

function next(batch: FrameBatch<ResponseParts, string>): string[] {
  return (framesOf(batch) ?? []).map(line);
}

/** Uses up the credit of an exchange whose head is sent. */
function useUpCredit(
  batch: FrameBatch<ResponseParts, string>,
  queue: FrameQueue<ResponseParts, string>,
): void {
  for (let bytes = 0; bytes < muxWindowBytes; bytes += bodyChunkBytesMax) {
    queue.enqueue({ chunk: new Uint8Array(bodyChunkBytesMax) });
    expect(next(batch)).toEqual([`${queue.exchangeId} chunk:65536`]);
  }
}

describe("one exchange", () => {
  test("goes as one frame where it is whole, and the parts are not copied", () => {
    const { batch, told } = responses();
    const parts = { init: head, chunk: new Uint8Array(5), end: plainEnd };
    expect(batch.hasFrames).toBe(false);
    expect(framesOf(batch)).toBeUndefined();
    expect(batch.open(1, "a").enqueue(parts)).toBe(true);
    expect(batch.hasFrames).toBe(true);
    const frames = framesOf(batch);
    expect(frames).toEqual([{ exchangeId: 1, parts, creditBytes: 0, reset: undefined }]);
    expect(frames?.[0]?.parts).toBe(parts);
    expect(framesOf(batch)).toBeUndefined();
    expect(batch.hasFrames).toBe(false);
    expect(told).toEqual(["ready"]);
  });

  test("merges the parts that wait", () => {
    const { batch } = responses();
    const queue = batch.open(1, "a");
    queue.enqueue({ init: head });
    queue.enqueue({ chunk: new Uint8Array(3) });
    queue.enqueue({ end: plainEnd });
    expect(next(batch)).toEqual(["1 init chunk:3 end"]);
  });

  test("keeps the order of parts that can't be merged", () => {
    const { batch } = responses();
    const queue = batch.open(1, "a");
    queue.enqueue({ informational: [earlyHints] });
    queue.enqueue({ informational: [earlyHints] });
    queue.enqueue({ init: head });
    queue.enqueue({ chunk: new Uint8Array(1) });
    queue.enqueue({ chunk: new Uint8Array(2) });
    queue.enqueue({ end: plainEnd });
    expect(next(batch)).toEqual([
      "1 informational",
      "1 informational",
      "1 init chunk:1",
      "1 chunk:2 end",
    ]);
  });

  test("says that it is ready again for each time that it had nothing", () => {
    const { batch, told } = responses();
    const queue = batch.open(1, "a");
    queue.enqueue({ init: head });
    queue.enqueue({ flush: true });
    expect(told).toEqual(["ready"]);
    framesOf(batch);
    queue.giveCredit(1);
    expect(told).toEqual(["ready", "ready"]);
  });
});

describe("credit", () => {
  test("lets body go only so far, and splits a chunk without a copy", () => {
    const { batch } = responses();
    const queue = batch.open(1, "a");
    queue.enqueue({ init: head });
    expect(next(batch)).toEqual(["1 init"]);
    useUpCredit(batch, queue);
    const chunk = new Uint8Array(10);
    queue.enqueue({ chunk, end: plainEnd });
    expect(batch.hasFrames).toBe(false);
    queue.grant(4);
    const first = framesOf(batch)?.[0];
    expect(first?.parts).toEqual({ chunk: new Uint8Array(4) });
    expect(first?.parts?.chunk?.buffer).toBe(chunk.buffer);
    expect(batch.hasFrames).toBe(false);
    queue.grant(100);
    const second = framesOf(batch)?.[0];
    expect(second?.parts).toEqual({ chunk: new Uint8Array(6), end: plainEnd });
    expect(second?.parts?.chunk?.byteOffset).toBe(4);
  });

  test("is not needed for what is no body", () => {
    const rules = requestPartRules;
    const listener = {
      onReady: () => {},
      onOpened: () => {},
      onRoom: () => {},
      onFinished: () => {},
    };
    const batch = new FrameBatch<RequestParts, string>(rules, listener);
    const queue = batch.open(1, "a");
    for (let bytes = 0; bytes < muxWindowBytes; bytes += bodyChunkBytesMax) {
      queue.enqueue({ chunk: new Uint8Array(bodyChunkBytesMax) });
      framesOf(batch);
    }
    // The end may go, though the tunnel behind it, which was merged with it, may not.
    queue.enqueue({ end: plainEnd });
    queue.enqueue({ tunnelChunk: new Uint8Array(7) });
    queue.enqueue({ tunnelEnd: true });
    expect(framesOf(batch)?.map(line)).toEqual(["1 end"]);
    expect(batch.hasFrames).toBe(false);
    queue.grant(10);
    expect(framesOf(batch)?.map(line)).toEqual(["1 tunnelChunk:7 tunnelEnd"]);
  });

  test("beyond the limit is a violation", () => {
    const { batch } = responses();
    const queue = batch.open(1, "a");
    queue.grant(muxCreditBytesMax - muxWindowBytes);
    expect(() => queue.grant(1)).toThrow(ServeHTTPError);
  });

  test("for the other side is collected, and travels with parts where there are any", () => {
    const { batch } = responses();
    const queue = batch.open(1, "a");
    queue.giveCredit(0);
    expect(batch.hasFrames).toBe(false);
    queue.giveCredit(100);
    queue.giveCredit(20);
    expect(next(batch)).toEqual(["1 credit:120"]);
    queue.giveCredit(5);
    queue.enqueue({ init: head });
    expect(next(batch)).toEqual(["1 init credit:5"]);
  });
});

describe("several exchanges", () => {
  test("take turns with their body, and heads, ends and credit go first", () => {
    const { batch } = responses();
    const bulk = batch.open(1, "bulk");
    const other = batch.open(2, "other");
    const small = batch.open(3, "small");
    bulk.enqueue({ init: head });
    other.enqueue({ init: head });
    framesOf(batch);
    bulk.enqueue({ chunk: new Uint8Array(10) });
    bulk.enqueue({ chunk: new Uint8Array(11) });
    bulk.enqueue({ chunk: new Uint8Array(12), end: plainEnd });
    other.enqueue({ chunk: new Uint8Array(20) });
    other.enqueue({ chunk: new Uint8Array(21) });
    small.enqueue({ init: head, end: plainEnd });
    other.giveCredit(9);
    expect(next(batch)).toEqual([
      "3 init end",
      "2 credit:9",
      "1 chunk:10",
      "2 chunk:20",
      "1 chunk:11",
      "2 chunk:21",
      "1 chunk:12 end",
    ]);
  });

  test("share a batch that is bounded, and go on with the next where it ended", () => {
    const { batch } = responses();
    const queues = [1, 2, 3].map((exchangeId) => batch.open(exchangeId, String(exchangeId)));
    for (const queue of queues) {
      queue.enqueue({ init: head });
    }
    framesOf(batch);
    for (const queue of queues) {
      queue.enqueue({ chunk: new Uint8Array(60_000) });
      queue.enqueue({ chunk: new Uint8Array(60_000) });
    }
    const late = batch.open(4, "late");
    late.enqueue({ init: head, end: plainEnd });
    expect(next(batch)).toEqual([
      "4 init end",
      "1 chunk:60000",
      "2 chunk:60000",
      "3 chunk:60000",
      "1 chunk:60000",
    ]);
    expect(batch.hasFrames).toBe(true);
    expect(next(batch)).toEqual(["2 chunk:60000", "3 chunk:60000"]);
    expect(batch.hasFrames).toBe(false);
  });

  test("that have no credit hold up nobody", () => {
    const { batch } = responses();
    const stalled = batch.open(1, "stalled");
    stalled.enqueue({ init: head });
    framesOf(batch);
    useUpCredit(batch, stalled);
    stalled.enqueue({ chunk: new Uint8Array(5) });
    const other = batch.open(2, "other");
    other.enqueue({ init: head, chunk: new Uint8Array(1), end: plainEnd });
    expect(next(batch)).toEqual(["2 init chunk:1 end"]);
  });

  test("with heads of any size make messages that are below the limit", () => {
    const { batch } = responses();
    const large: ResponseInit = { status: 200, headers: ["x", "v".repeat(130_000)] };
    for (let exchangeId = 1; exchangeId <= 20; exchangeId += 1) {
      const parts = { init: large, end: { trailers: ["x", "v".repeat(130_000)] } };
      batch.open(exchangeId, "").enqueue(parts);
      batch
        .open(100 + exchangeId, "")
        .enqueue({ ...parts, chunk: new Uint8Array(bodyChunkBytesMax) });
    }
    let frameCount = 0;
    for (let frames = framesOf(batch); frames !== undefined; frames = framesOf(batch)) {
      frameCount += frames.length;
      let bytes = 0;
      for (const { parts } of frames) {
        bytes += responsePartRules.headBytes(parts as ResponseParts);
        bytes += bodyBytesOf(parts as ResponseParts);
      }
      expect(bytes).toBeLessThanOrEqual(muxMessageBytesMax);
    }
    expect(frameCount).toBe(40);
  });

  test("make batches with no more body than is allowed, whatever the size of the chunks", () => {
    const { batch } = responses();
    for (let exchangeId = 1; exchangeId <= 500; exchangeId += 1) {
      batch.open(exchangeId, "").enqueue({ init: head, chunk: new Uint8Array(exchangeId * 10) });
    }
    let frameCount = 0;
    for (let frames = framesOf(batch); frames !== undefined; frames = framesOf(batch)) {
      frameCount += frames.length;
      const bytes = frames.reduce((sum, { parts }) => sum + bodyBytesOf(parts as ResponseParts), 0);
      expect(bytes).toBeLessThanOrEqual(muxBatchBytesMax);
    }
    expect(frameCount).toBe(500);
  });

  test("are longer while one exchange alone has body to send", () => {
    const { batch } = responses();
    const lone = batch.open(1, "lone");
    lone.grant(muxWindowBytes);
    for (let sent = 0; sent < 8; sent += 1) {
      lone.enqueue({ chunk: new Uint8Array(bodyChunkBytesMax - 100) });
    }
    expect(next(batch)).toHaveLength(Math.floor(muxLoneBatchBytesMax / bodyChunkBytesMax));
    batch.open(2, "other").enqueue({ chunk: new Uint8Array(bodyChunkBytesMax) });
    expect(next(batch)).toEqual(["1 chunk:65436", "2 chunk:65536", "1 chunk:65436"]);
  });
});

describe("an exchange of the host's", () => {
  test("is given its id when it goes, so that ids rise whatever goes first", () => {
    const { batch, told } = responses();
    const withBody = batch.open(0, "with body");
    const without = batch.open(0, "without");
    withBody.enqueue({ init: head, chunk: new Uint8Array(5) });
    without.enqueue({ init: head, end: plainEnd });
    expect([withBody.exchangeId, without.exchangeId]).toEqual([0, 0]);
    expect(next(batch)).toEqual(["1 init end", "2 init chunk:5"]);
    expect([withBody.exchangeId, without.exchangeId]).toEqual([2, 1]);
    expect(told).toEqual(["ready", "opened without as 1", "opened with body as 2"]);
    withBody.enqueue({ end: plainEnd });
    expect(next(batch)).toEqual(["2 end"]);
  });

  test("that is reset before it went was never there", () => {
    const { batch, told } = responses();
    const queue = batch.open(0, "a");
    queue.enqueue({ init: head, end: plainEnd });
    queue.reset(clientDisconnected);
    expect(next(batch)).toEqual([]);
    batch.open(0, "b").enqueue({ init: head });
    expect(next(batch)).toEqual(["1 init"]);
    expect(told).toEqual(["ready", "ready", "opened b as 1"]);
  });

  test("that was opened is reset by a frame", () => {
    const { batch } = responses();
    const queue = batch.open(0, "a");
    queue.enqueue({ init: head });
    framesOf(batch);
    queue.reset(clientDisconnected);
    expect(next(batch)).toEqual(["1 reset:client-disconnected"]);
  });
});

describe("a reset", () => {
  test("drops what waits, goes at once and is the last of its exchange", () => {
    const { batch, told } = responses();
    const queue = batch.open(1, "a");
    queue.enqueue({ init: head, chunk: new Uint8Array(5) });
    queue.giveCredit(7);
    queue.finish();
    queue.reset(clientDisconnected);
    queue.reset(notNeeded);
    queue.enqueue({ end: plainEnd });
    queue.giveCredit(7);
    queue.grant(muxCreditBytesMax);
    expect(next(batch)).toEqual(["1 reset:client-disconnected"]);
    queue.enqueue({ end: plainEnd });
    queue.giveCredit(7);
    queue.resetBehind(notNeeded);
    expect(next(batch)).toEqual([]);
    expect(batch.hasFrames).toBe(false);
    expect(told).toEqual(["ready"]);
  });

  test("goes before the body of others", () => {
    const { batch } = responses();
    batch.open(1, "a").enqueue({ init: head, chunk: new Uint8Array(5) });
    batch.open(2, "b").reset(clientDisconnected);
    expect(next(batch)).toEqual(["2 reset:client-disconnected", "1 init chunk:5"]);
  });

  test("can go behind what waits", () => {
    const { batch, told } = responses();
    const queue = batch.open(1, "a");
    queue.enqueue({ init: head });
    framesOf(batch);
    useUpCredit(batch, queue);
    queue.enqueue({ chunk: new Uint8Array(5), end: plainEnd });
    queue.resetBehind(notNeeded);
    expect(batch.hasFrames).toBe(false);
    queue.grant(3);
    expect(next(batch)).toEqual(["1 chunk:3"]);
    queue.grant(3);
    told.length = 0;
    expect(next(batch)).toEqual(["1 chunk:2 end reset:request-not-needed"]);
    expect(told).toEqual(["finished a"]);
  });

  test("goes behind what waits at once where nothing does", () => {
    const { batch, told } = responses();
    const queue = batch.open(1, "a");
    expect(queue.finish()).toBe(true);
    queue.resetBehind(notNeeded);
    expect(next(batch)).toEqual(["1 reset:request-not-needed"]);
    expect(told).toEqual(["ready", "finished a"]);
  });
});

describe("a sender", () => {
  test("is told to wait, and to go on when half has gone", () => {
    const { batch, told } = responses();
    const queue = batch.open(1, "a");
    queue.enqueue({ init: head });
    framesOf(batch);
    useUpCredit(batch, queue);
    told.length = 0;
    expect(queue.enqueue({ chunk: new Uint8Array(bodyChunkBytesMax) })).toBe(true);
    expect(queue.enqueue({ chunk: new Uint8Array(bodyChunkBytesMax) })).toBe(false);
    queue.grant(bodyChunkBytesMax - 1);
    framesOf(batch);
    expect(told).toEqual(["ready"]);
    queue.grant(bodyChunkBytesMax);
    framesOf(batch);
    expect(told).toEqual(["ready", "ready", "room a"]);
    queue.grant(bodyChunkBytesMax);
    framesOf(batch);
    expect(told).toEqual(["ready", "ready", "room a", "ready"]);
    expect(queue.waitingBytes).toBe(0);
  });

  test("of tiny chunks is told to wait as well", () => {
    const { batch } = responses();
    const queue = batch.open(1, "a");
    let count = 0;
    while (queue.enqueue({ chunk: new Uint8Array(1) })) {
      count += 1;
      expect(count).toBeLessThan(muxWaitingBytesMax);
    }
    expect(count).toBeGreaterThan(100);
    expect(next(batch)).toHaveLength(count + 1);
    expect(queue.waitingBytes).toBe(0);
  });

  test("that finishes hears when its last part is in a batch", () => {
    const { batch, told } = responses();
    const queue = batch.open(1, "a");
    queue.enqueue({ init: head, chunk: new Uint8Array(1), end: plainEnd });
    expect(queue.finish()).toBe(false);
    expect(queue.finish()).toBe(false);
    expect(told).toEqual(["ready"]);
    framesOf(batch);
    expect(told).toEqual(["ready", "finished a"]);
    expect(queue.finish()).toBe(true);
    // The other direction may go on.
    queue.giveCredit(5);
    expect(next(batch)).toEqual(["1 credit:5"]);
    expect(told).toEqual(["ready", "finished a", "ready"]);
  });

  test("of bulk may have more wait, while the budget of all lasts", () => {
    const { batch } = responses();
    const countMax = muxGrowthBytesMax / muxWaitingGrowthBytes;
    const queues = Array.from({ length: countMax + 1 }, (_, id) => batch.open(id + 1, "a"));
    queues.forEach((queue) => sendBulk(batch, queue));
    const [first, second, third] = queues as [Queue, Queue, Queue];
    const last = queues.at(-1) as Queue;

    expect(waitsAt(first)).toBe(muxWaitingBytesMax + muxWaitingGrowthBytes);
    expect(waitsAt(last)).toBe(muxWaitingBytesMax);
    expect(first.waitingBytes).toBeLessThan(muxWaitingBytesMax + muxWaitingGrowthBytes + 70_000);

    // Whichever way an exchange ends, another may have what it had.
    last.forget();
    first.forget();
    second.reset(clientDisconnected);
    third.finish();
    const others = [101, 102, 103, 104].map((id) => batch.open(id, "a"));
    others.forEach((queue) => sendBulk(batch, queue));
    expect(others.map((queue) => waitsAt(queue) > muxWaitingBytesMax)).toEqual([
      true,
      true,
      true,
      false,
    ]);
  });

  test("may queue more when it is told that there is room", () => {
    let enqueued = 0;
    const batch: FrameBatch<ResponseParts, string> = new FrameBatch(responsePartRules, {
      onReady: () => {},
      onOpened: () => {},
      onRoom: () => {
        enqueued += 1;
        queue.enqueue({ chunk: new Uint8Array(1) });
      },
      onFinished: () => {},
    });
    const queue = batch.open(1, "a");
    queue.enqueue({ init: head, chunk: new Uint8Array(bodyChunkBytesMax) });
    expect(queue.enqueue({ chunk: new Uint8Array(bodyChunkBytesMax) })).toBe(false);
    expect(next(batch)).toEqual(["1 init chunk:65536", "1 chunk:65536"]);
    expect(enqueued).toBe(1);
    expect(next(batch)).toEqual(["1 chunk:1"]);
  });
});

type Queue = FrameQueue<ResponseParts, string>;

/** Sends as much of an exchange as makes it bulk. */
function sendBulk(batch: FrameBatch<ResponseParts, string>, queue: Queue): void {
  for (let bytes = 0; bytes < muxGrowthAfterBytes; bytes += bodyChunkBytesMax) {
    queue.enqueue({ chunk: bulkChunk });
    framesOf(batch);
    queue.grant(bodyChunkBytesMax);
  }
}

/** About how many bytes wait when the sender is told to. */
function waitsAt(queue: Queue): number {
  let bytes = 0;
  do {
    bytes += bodyChunkBytesMax;
  } while (queue.enqueue({ chunk: bulkChunk }));
  return bytes;
}

const bulkChunk = new Uint8Array(bodyChunkBytesMax);

describe("a forgotten exchange", () => {
  test("sends nothing more and tells nobody", () => {
    const { batch, told } = responses();
    const queue = batch.open(1, "a");
    queue.enqueue({ init: head, chunk: new Uint8Array(bodyChunkBytesMax) });
    queue.enqueue({ chunk: new Uint8Array(bodyChunkBytesMax) });
    queue.giveCredit(9);
    queue.finish();
    queue.forget();
    expect(queue.waitingBytes).toBe(0);
    queue.reset(clientDisconnected);
    queue.enqueue({ end: plainEnd });
    expect(next(batch)).toEqual([]);
    expect(batch.hasFrames).toBe(false);
    expect(told).toEqual(["ready"]);
  });

  test("leaves nothing in memory", async () => {
    const batch = new FrameBatch<ResponseParts, object>(responsePartRules, {
      onReady: () => {},
      onOpened: () => {},
      onRoom: () => {},
      onFinished: () => {},
    });
    const remains = openAndForget(batch);
    framesOf(batch);
    // A WeakRef holds its target to the end of the turn in which it was made.
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
    expect(remains.map((reference) => reference.deref())).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

function openAndForget(batch: FrameBatch<ResponseParts, object>): WeakRef<object>[] {
  const owner = {};
  const chunk = new Uint8Array(bodyChunkBytesMax);
  const queue = batch.open(1, owner);
  queue.enqueue({ init: head, chunk });
  queue.enqueue({ chunk });
  queue.giveCredit(9);
  queue.forget();
  return [new WeakRef(owner), new WeakRef(chunk), new WeakRef(queue)];
}
