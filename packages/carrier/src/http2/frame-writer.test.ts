import { createHash, randomBytes } from "node:crypto";
import { Writable } from "node:stream";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { randomRuns, turns, until } from "@servehttp/testkit";
import { Http2Error } from "./http2-error.js";
import {
  errorCode,
  frame,
  frameFlag,
  frameHeadBytes,
  frameType,
  settingId,
  settingsFrame,
} from "./frames.js";
import { FrameWriter } from "./frame-writer.js";

const initialWindow = 65_535;
const initialFrame = 16_384;
const windowMax = 2 ** 31 - 1;

test("whatever windows are given in whatever pieces, the bytes come in order, within them, and each message is written once", async () => {
  const bytes = fc.oneof(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 100_000 }));
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("write"),
        sizes: fc.array(fc.nat(40_000), { minLength: 1, maxLength: 6 }),
      }),
    },
    { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("stream", "connection"), bytes }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("initial"), bytes: fc.nat(200_000) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("frame"),
        bytes: fc.integer({ min: initialFrame, max: 70_000 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("turn") }) },
  ) as fc.Arbitrary<Step>;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const model = new Model();
      for (const one of steps) {
        await model.take(one);
        model.check();
      }
      await model.finish();
      expect(model.faults).toEqual([]);
    }),
    randomRuns(300),
  );
});

test("a message that fits goes as one frame, whose head is written into its first segment", async () => {
  const { frameWriter, sink } = open();
  const message = segments([10_000, 5_000, 1_000]);
  const written = Promise.withResolvers<void>();
  frameWriter.write(message, written.resolve);
  await written.promise;
  expect(frameWriter.waits).toBe(false);
  expect(sink.frames.map(({ payload }) => payload.length)).toEqual([16_000]);
  expect(sink.octets.equals(Buffer.concat(message))).toBe(true);
});

test("onWritten comes when the connection has taken the last byte, and not before", async () => {
  const { frameWriter, sink } = open();
  sink.hold();
  let written = 0;
  frameWriter.write(segments([100]), () => (written += 1));
  await turns(3);
  expect(written).toBe(0);
  sink.release();
  await until(() => written === 1, "it was written");
  frameWriter.write(segments([initialWindow]), () => (written += 1));
  frameWriter.widen("connection", 99);
  frameWriter.widen("stream", 99);
  await turns(3);
  expect([frameWriter.waits, written]).toEqual([true, 1]);
  frameWriter.widen("connection", 1);
  await turns(3);
  expect([frameWriter.waits, written]).toEqual([true, 1]);
  frameWriter.widen("stream", 1);
  await until(() => written === 2, "it was written");
  expect([frameWriter.waits, sink.bytes]).toEqual([false, initialWindow + 100]);
});

test("a window that SETTINGS have made negative is filled before anything goes", async () => {
  const { frameWriter, sink } = open();
  let written = 0;
  frameWriter.write(segments([60_000]), () => (written += 1));
  setInitialWindow(frameWriter, 0);
  frameWriter.write(segments([1_000]), () => (written += 1));
  frameWriter.widen("stream", 60_000);
  await turns(3);
  expect([sink.bytes, frameWriter.waits]).toEqual([60_000, true]);
  frameWriter.widen("stream", 1);
  await turns(3);
  expect(sink.bytes).toBe(60_001);
  setInitialWindow(frameWriter, initialWindow);
  frameWriter.sendWaiting();
  await until(() => written === 2, "it was written");
});

test("settings themselves send nothing: what they allow goes behind their acknowledgement", () => {
  const { frameWriter, sink } = open();
  frameWriter.write(segments([initialWindow + 10_000]), () => undefined);
  frameWriter.widen("connection", 1_000_000);
  setInitialWindow(frameWriter, 1_000_000);
  setFrameBytesMax(frameWriter, 100_000);
  expect(sink.bytes).toBe(initialWindow);
  frameWriter.sendWaiting();
  expect(sink.bytes).toBe(initialWindow + 10_000);
});

test("frames that grow or shrink while a message waits are as long as the last setting says", () => {
  const { frameWriter, sink } = open();
  setInitialWindow(frameWriter, 1_000_000);
  frameWriter.write(segments([300_000]), () => undefined);
  const before = sink.frames.length;
  setFrameBytesMax(frameWriter, 100_000);
  frameWriter.widen("connection", 100_000);
  setFrameBytesMax(frameWriter, 50_000);
  frameWriter.widen("connection", 100_000);
  expect(sink.frames.slice(before).map(({ payload }) => payload.length)).toEqual([
    100_000, 50_000, 50_000,
  ]);
});

test("the last frame goes behind what waits, and says that it has gone", () => {
  const { frameWriter, sink } = open();
  const last = frame(frameType.headers, frameFlag.endStream, 1, Buffer.from("end"));
  let ended = 0;
  frameWriter.write(segments([initialWindow + 1]), () => undefined);
  frameWriter.end(last, () => (ended += 1));
  frameWriter.widen("stream", 1);
  expect([ended, sink.bytes]).toEqual([0, initialWindow]);
  frameWriter.widen("connection", 1);
  frameWriter.widen("connection", 1);
  expect(ended).toBe(1);
  expect(sink.octets.subarray(-last.length).equals(last)).toBe(true);
  const idle = open();
  idle.frameWriter.end(last, () => (ended += 1));
  expect([ended, idle.sink.octets.equals(last)]).toEqual([2, true]);
});

test("settings that are not about what goes out are passed over, and the last of one kind holds", () => {
  const { frameWriter, sink } = open();
  frameWriter.widen("connection", 1_000_000);
  frameWriter.write(segments([200_000]), () => undefined);
  frameWriter.takeSettings(
    payloadOf([
      [settingId.headerTableSize, 5],
      [settingId.initialWindowSize, 1_000_000],
      [0x99, 7],
      [settingId.initialWindowSize, 70_000],
    ]),
  );
  frameWriter.sendWaiting();
  expect(sink.bytes).toBe(70_000);
});

test("a closed one drops what waits, and says nothing of what was under way", async () => {
  const { frameWriter, sink } = open();
  sink.hold();
  let written = 0;
  frameWriter.write(segments([100_000]), () => (written += 1));
  frameWriter.close();
  expect(frameWriter.waits).toBe(false);
  frameWriter.widen("stream", 100_000);
  frameWriter.widen("connection", 100_000);
  sink.release();
  await turns(3);
  expect([written, sink.bytes]).toEqual([0, initialWindow]);
});

test("a message whose windows come byte by byte costs no more for having many segments", async () => {
  const { frameWriter, sink } = open();
  setInitialWindow(frameWriter, 0);
  const reads = { count: 0 };
  const message = segments(Array.from({ length: 1_000 }, () => 4));
  const counted = new Proxy(message, {
    get: (target, key, receiver) => {
      reads.count += typeof key === "string" && /^\d+$/.test(key) ? 1 : 0;
      return Reflect.get(target, key, receiver) as unknown;
    },
  });
  const written = Promise.withResolvers<void>();
  frameWriter.write(counted, written.resolve);
  for (let octet = 0; octet < 4_000; octet += 1) {
    frameWriter.widen("stream", 1);
  }
  await written.promise;
  expect(sink.bytes).toBe(4_000);
  expect(reads.count).toBeLessThan(10_000);
});

test.each([
  ["a WINDOW_UPDATE of nothing", "protocolError", (frameWriter) => frameWriter.widen("stream", 0)],
  [
    "one of nothing for the connection",
    "protocolError",
    (frameWriter) => frameWriter.widen("connection", 0),
  ],
  [
    "a stream's window over 2^31 - 1",
    "flowControlError",
    (frameWriter) => frameWriter.widen("stream", windowMax),
  ],
  [
    "a connection's window over 2^31 - 1",
    "flowControlError",
    (frameWriter) => frameWriter.widen("connection", windowMax),
  ],
  [
    "an initial window over 2^31 - 1",
    "flowControlError",
    (frameWriter) => setInitialWindow(frameWriter, 2 ** 31),
  ],
  [
    "one that makes the stream's too large",
    "flowControlError",
    (frameWriter) => {
      frameWriter.widen("stream", 1);
      setInitialWindow(frameWriter, windowMax);
    },
  ],
  [
    "frames that are too short",
    "protocolError",
    (frameWriter) => setFrameBytesMax(frameWriter, 16_383),
  ],
  [
    "frames that are too long",
    "protocolError",
    (frameWriter) => setFrameBytesMax(frameWriter, 2 ** 24),
  ],
] as [string, keyof typeof errorCode, (frameWriter: FrameWriter) => void][])(
  "refuses %s",
  (_name, code, act) => {
    const { frameWriter } = open();
    expect(() => act(frameWriter)).toThrow(Http2Error);
    expect(() => act(open().frameWriter)).toThrow(
      expect.objectContaining({ code: errorCode[code] }),
    );
  },
);

test("windows and frames may be as large as they can be", () => {
  const { frameWriter } = open();
  frameWriter.widen("connection", windowMax - initialWindow);
  setInitialWindow(frameWriter, windowMax);
  setFrameBytesMax(frameWriter, 2 ** 24 - 1);
  expect(frameWriter.waits).toBe(false);
});

type Step =
  | { kind: "write"; sizes: number[] }
  | { kind: "stream" | "connection" | "initial" | "frame"; bytes: number }
  | { kind: "turn" };

/** What an outlet may have sent at any moment. */
class Model {
  /** What the outlet must not do, and did. */
  readonly faults: string[] = [];
  readonly #opened = open();
  readonly #sent = createHash("sha256");
  #sentBytes = 0;
  #writes = 0;
  #written = 0;
  #streamGiven = initialWindow;
  #connectionGiven = initialWindow;
  #initial = initialWindow;
  #frameMax = initialFrame;
  #framesChecked = 0;

  async take(step: Step): Promise<void> {
    const { frameWriter } = this.#opened;
    switch (step.kind) {
      case "write":
        await turns(1);
        if (this.#written === this.#writes) {
          this.#write(step.sizes);
        }
        break;
      case "stream":
        this.#streamGiven += step.bytes;
        frameWriter.widen("stream", step.bytes);
        break;
      case "connection":
        this.#connectionGiven += step.bytes;
        frameWriter.widen("connection", step.bytes);
        break;
      case "initial":
        this.#streamGiven += step.bytes - this.#initial;
        this.#initial = step.bytes;
        setInitialWindow(frameWriter, step.bytes);
        this.#checkNothingNew(() => frameWriter.sendWaiting());
        break;
      case "frame":
        this.#frameMax = step.bytes;
        setFrameBytesMax(frameWriter, step.bytes);
        this.#checkNothingNew(() => frameWriter.sendWaiting());
        break;
      default:
        await turns(1);
    }
  }

  /** Never beyond the windows, always up to them. */
  check(): void {
    const { frameWriter, sink } = this.#opened;
    const most = Math.min(this.#streamGiven, this.#connectionGiven);
    const added = sink.frames.slice(this.#framesChecked);
    this.#framesChecked += added.length;
    // What was sent before a window was made smaller stays sent.
    this.#demand(
      frameWriter.waits ? sink.bytes >= most : sink.bytes === this.#sentBytes,
      "all it may",
    );
    this.#demand(added.length === 0 || sink.bytes <= most, "no more than it may");
    for (const { type, id, flags, payload } of added) {
      this.#demand(payload.length <= this.#frameMax, "no frame that is too long");
      this.#demand(type === frameType.data && id === 1 && flags === 0, "nothing but DATA");
    }
    this.#demand(this.#written <= this.#writes, "a message is written once");
  }

  /** With windows for all, all comes. */
  async finish(): Promise<void> {
    const { frameWriter, sink } = this.#opened;
    if (frameWriter.waits) {
      const missing = this.#sentBytes - Math.min(this.#streamGiven, this.#connectionGiven);
      frameWriter.widen("stream", missing + 1_000_000);
      frameWriter.widen("connection", missing + 1_000_000);
    }
    await turns(3);
    this.#demand(!frameWriter.waits && this.#written === this.#writes, "all is written");
    const hash = createHash("sha256").update(sink.payload).digest("hex");
    this.#demand(hash === this.#sent.digest("hex"), "the bytes that were written");
  }

  #write(sizes: number[]): void {
    const message = segments(sizes);
    this.#writes += 1;
    this.#sent.update(Buffer.concat(message).subarray(frameHeadBytes));
    this.#sentBytes += sizes.reduce((sum, size) => sum + size, 0);
    this.#opened.frameWriter.write(message, () => (this.#written += 1));
  }

  #checkNothingNew(then: () => void): void {
    const { sink } = this.#opened;
    this.#demand(sink.frames.length === this.#framesChecked, "settings send nothing");
    then();
  }

  #demand(holds: boolean, what: string): void {
    if (!holds) {
      this.faults.push(`not so: ${what}`);
    }
  }
}

function setInitialWindow(frameWriter: FrameWriter, bytes: number): void {
  frameWriter.takeSettings(payloadOf([[settingId.initialWindowSize, bytes]]));
}

function setFrameBytesMax(frameWriter: FrameWriter, bytes: number): void {
  frameWriter.takeSettings(payloadOf([[settingId.maxFrameSize, bytes]]));
}

function payloadOf(settings: readonly (readonly [number, number])[]): Buffer {
  return settingsFrame(settings).subarray(frameHeadBytes);
}

/** A message in segments of these sizes, with room for a head in the first. */
function segments(sizes: readonly number[]): Buffer[] {
  return sizes.map((size, at) => randomBytes(at === 0 ? size + frameHeadBytes : size));
}

function open(): { frameWriter: FrameWriter; sink: Sink } {
  const sink = new Sink();
  return { frameWriter: new FrameWriter(sink as never, 1), sink };
}

interface SentFrame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** Takes what is written, and sees the frames in it at once. */
class Sink extends Writable {
  octets: Buffer = Buffer.alloc(0);
  #holds = false;
  #held: (() => void) | undefined;

  override write(chunk: Buffer, ...rest: unknown[]): boolean {
    this.octets = Buffer.concat([this.octets, chunk]);
    return super.write(chunk, ...(rest as []));
  }

  override _write(_chunk: Buffer, _encoding: string, taken: () => void): void {
    if (this.#holds) {
      this.#held = taken;
    } else {
      taken();
    }
  }

  /** Takes no more than the write that comes next. */
  hold(): void {
    this.#holds = true;
  }

  release(): void {
    this.#holds = false;
    this.#held?.();
  }

  get frames(): SentFrame[] {
    const frames: SentFrame[] = [];
    for (let at = 0; at < this.octets.length;) {
      const end = at + frameHeadBytes + this.octets.readUIntBE(at, 3);
      frames.push({
        type: this.octets[at + 3] as number,
        flags: this.octets[at + 4] as number,
        id: this.octets.readUInt32BE(at + 5),
        payload: this.octets.subarray(at + frameHeadBytes, end),
      });
      at = end;
    }
    return frames;
  }

  get payload(): Buffer {
    return Buffer.concat(this.frames.map(({ payload }) => payload));
  }

  /** Of DATA, without the heads of frames. */
  get bytes(): number {
    return this.payload.length;
  }
}
