import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomRuns } from "@servehttp/testkit";
import { MuxFrameReader } from "./mux-frame-reader.js";
import { copiedBytes } from "../test-rig/copied-bytes.js";
import { readResponseParts, responsePieceTags } from "../wire/read-parts.js";
import { writeReset } from "../wire/reset-codec.js";
import { WireWriter } from "../wire/wire-writer.js";
import { writeResponseParts } from "../wire/write-parts.js";
import { muxBatchBytesMax, muxMessageBytesMax, ServeHTTPError } from "@servehttp/contract";

describe("MuxFrameReader", () => {
  it("reads the same, however the input is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(frame, { maxLength: 4 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 40 }),
        (messages, cuts) => {
          const octets = write(messages);
          const whole = readFrames([octets]);
          expect(readFrames(cut(octets, cuts))).toEqual(whole);
          expect(whole).toEqual(expected(messages));
        },
      ),
      randomRuns(300),
    );
  });

  it("reads the same one byte at a time", () => {
    const messages = [[{ id: 7, chunk: Buffer.from("hello"), end: true, credit: 9, reset: true }]];
    const octets = write(messages);
    expect(readFrames(cut(octets, [1]))).toEqual(expected(messages));
  });

  it("hands on the bytes of a chunk as they come, as views", () => {
    const chunk = Buffer.alloc(50_000, 1);
    const octets = write([[{ id: 1, chunk, end: true, credit: 0, reset: false }]]);
    const reader = new MuxFrameReader(responsePieceTags, "handler-failed");
    const head = octets.subarray(0, 20_000);
    reader.push(head);
    const pieces: (Buffer | undefined)[] = [];
    for (let one = reader.next(); one !== undefined; one = reader.next()) {
      pieces.push(one.piece);
    }
    const piece = pieces.at(-1);
    expect(piece?.buffer).toBe(head.buffer);
    expect(piece?.length).toBeGreaterThan(19_900);
  });

  it.each([
    ["a compressed message", Buffer.from([1, 0, 0, 0, 0]), "compression"],
    ["a message over the limit", oversized(), "bytes; at most"],
    ["exchange 0", message([0x0a, 2, 0x08, 0]), "exchange 0"],
    ["a frame without an id", message([0x0a, 2, 0x18, 1]), "exchange 0"],
    ["a field longer than its message", message([0x0a, 0x20, 0x08, 1]), "longer than"],
    ["a number without an end", message([0x0a, 2, 0x08, 0x80]), "malformed"],
  ])("refuses %s", (_name, input, text) => {
    expect(() => readFrames([input])).toThrow(ServeHTTPError);
    expect(() => readFrames([input])).toThrow(text);
    expect(() => readFrames(cut(input, [1]))).toThrow(text);
  });

  it("says that a chunk is over the limit before its bytes come, and of which exchange it is", () => {
    const octets = write([
      [{ id: 1, chunk: Buffer.alloc(70_000), end: false, credit: 0, reset: false }],
    ]);
    const reader = new MuxFrameReader(responsePieceTags, "handler-failed");
    reader.push(octets.subarray(0, 40));
    const first = reader.next();
    expect(first?.exchangeId).toBe(1);
    expect(first?.broken?.message).toContain("chunk of 70000 bytes");
  });

  it.each([
    ["a field of the message that it does not know", longMessage(bytesField(0xfa, 0x3e))],
    ["a field of a frame that it does not know", longMessage(inFrame(bytesField(0xfa, 0x3e)))],
    ["a field of parts that it does not know", longMessage(inParts(bytesField(0xfa, 0x3e)))],
    ["a head", longMessage(inParts(bytesField(0x12)))],
    ["a reset", longMessage(inFrame(delimited([0x22], bytesField(0x12))))],
    ["chunks", Buffer.concat(Array.from({ length: 16 }, () => longMessage(inParts(chunk16k))))],
  ])("copies each byte of %s once, however small the pieces are (H2)", (_name, octets) => {
    const reader = new MuxFrameReader(responsePieceTags, "handler-failed");
    let frames = 0;
    const copied = copiedBytes(() => {
      for (let at = 0; at < octets.length; at += 1) {
        reader.push(octets.subarray(at, at + 1));
        while (reader.next() !== undefined) {
          frames += 1;
        }
      }
    });
    expect(copied).toBeLessThan(1.1 * octets.length);
    // Nor are bytes of chunks handed on one by one: each piece is a write to the client.
    expect(frames).toBeLessThan(200);
  });

  it("goes on behind a field that was put together, in the input that brought its end", () => {
    const reset = { id: 1, chunk: Buffer.alloc(0), end: false, credit: 0, reset: true };
    const end = { id: 2, chunk: Buffer.from("x"), end: true, credit: 3, reset: false };
    const octets = write([[reset, end], [end]]);
    for (let at = 1; at < octets.length; at += 1) {
      expect(readFrames([octets.subarray(0, at), octets.subarray(at)])).toEqual(
        expected([[reset, end], [end]]),
      );
    }
  });

  it("needs nothing of its input once it asks for more", () => {
    const octets = write([
      [{ id: 300, chunk: Buffer.alloc(0), end: true, credit: 70_000, reset: true }],
      [{ id: 301, chunk: Buffer.alloc(0), end: true, credit: 70_000, reset: true }],
    ]);
    for (let at = 1; at < octets.length; at += 1) {
      const reader = new MuxFrameReader(responsePieceTags, "handler-failed");
      const ids = new Set<number>();
      for (const part of [octets.subarray(0, at), octets.subarray(at)]) {
        const input = Buffer.from(part);
        reader.push(input);
        for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
          ids.add(frame.exchangeId);
        }
        input.fill(0xff);
      }
      expect([...ids]).toEqual([300, 301]);
    }
  });

  it("passes over fields that it does not know, whole or not", () => {
    const unknown = [0x7a, 3, 1, 2, 3, 0x78, 5];
    const parts = [0x32, 0, ...unknown];
    const frameOctets = [0x08, 1, ...unknown, 0x12, parts.length, ...parts];
    const octets = message([...unknown, 0x0a, frameOctets.length, ...frameOctets, ...unknown]);
    const ended = [{ id: 1, octets: "", ended: true, credit: 0, reset: undefined }];
    expect(readFrames([octets])).toEqual(ended);
    expect(readFrames(cut(octets, [1]))).toEqual(ended);
    expect(readFrames(cut(octets, [3, 5]))).toEqual(ended);
  });
});

interface SentFrame {
  id: number;
  chunk: Buffer;
  end: boolean;
  credit: number;
  reset: boolean;
}

const frame: fc.Arbitrary<SentFrame> = fc.record({
  id: fc.integer({ min: 1, max: 2 ** 40 }),
  chunk: fc
    .tuple(fc.integer({ min: 0, max: 65_536 }), fc.integer({ min: 0, max: 255 }))
    .map(([length, fill]) => Buffer.alloc(length, fill)),
  end: fc.boolean(),
  credit: fc.integer({ min: 0, max: muxBatchBytesMax }),
  reset: fc.boolean(),
});

function write(messages: readonly (readonly SentFrame[])[]): Buffer {
  const writer = new WireWriter();
  return Buffer.concat(
    messages.flatMap((frames) => {
      writer.beginMessage();
      for (const { id, chunk, end, credit, reset } of frames) {
        writer.beginNested(0x0a);
        writer.varint(0x08);
        writer.varint(id);
        writer.beginNested(0x12);
        writeResponseParts(writer, {
          ...(chunk.length > 0 ? { chunk } : undefined),
          ...(end ? { end: { trailers: [] } } : undefined),
        });
        writer.endNested();
        if (credit > 0) {
          writer.varint(0x18);
          writer.varint(credit);
        }
        if (reset) {
          writeReset(writer, 0x22, new ServeHTTPError("deadline", ""));
        }
        writer.endNested();
      }
      return writer.endMessage();
    }),
  );
}

/** What arrived of each exchange in a row, whatever the pieces. */
interface Arrived {
  id: number;
  octets: string;
  ended: boolean;
  credit: number;
  reset: string | undefined;
}

function expected(messages: readonly (readonly SentFrame[])[]): Arrived[] {
  const arrived: Arrived[] = [];
  for (const { id, chunk, end, credit, reset } of messages.flat()) {
    add(arrived, id, (one) => {
      one.octets += chunk.toString("hex");
      one.ended ||= end;
      one.credit += credit;
      one.reset ??= reset ? "deadline" : undefined;
    });
  }
  return arrived;
}

function readFrames(inputs: readonly Buffer[]): Arrived[] {
  const reader = new MuxFrameReader(responsePieceTags, "handler-failed");
  const arrived: Arrived[] = [];
  for (const input of inputs) {
    reader.push(input);
    for (let one = reader.next(); one !== undefined; one = reader.next()) {
      const { creditBytes, exchangeId, parts, piece, reset } = one;
      const read = parts === undefined ? {} : readResponseParts(parts);
      add(arrived, exchangeId, (exchange) => {
        exchange.octets += Buffer.from(piece ?? read.chunk ?? []).toString("hex");
        exchange.ended ||= read.end !== undefined;
        exchange.credit += creditBytes;
        exchange.reset ??= reset?.code;
      });
    }
  }
  return arrived;
}

function add(arrived: Arrived[], id: number, change: (one: Arrived) => void): void {
  let last = arrived.at(-1);
  if (last?.id !== id) {
    last = { id, octets: "", ended: false, credit: 0, reset: undefined };
    arrived.push(last);
  }
  change(last);
}

function cut(octets: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, turn = 0; at < octets.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    pieces.push(octets.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

function message(octets: readonly number[]): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(octets.length, 1);
  return Buffer.concat([prefix, Buffer.from(octets)]);
}

const longFieldBytes = 262_144;

/** A field of bytes under a tag that takes one byte or two, 256 KiB long. */
function bytesField(...tag: readonly number[]): Buffer {
  return delimited(tag, Buffer.alloc(longFieldBytes));
}

const chunk16k = delimited([responsePieceTags.chunk], Buffer.alloc(16_384));

function inParts(field: Buffer): Buffer {
  return inFrame(delimited([0x12], field));
}

function inFrame(field: Buffer): Buffer {
  return delimited([0x0a], Buffer.concat([Buffer.from([0x08, 1]), field]));
}

function longMessage(content: Buffer): Buffer {
  return message([...content]);
}

function delimited(tag: readonly number[], content: Buffer): Buffer {
  const length = content.length;
  const varint = [(length & 0x7f) | 0x80, ((length >>> 7) & 0x7f) | 0x80, length >>> 14];
  return Buffer.concat([Buffer.from([...tag, ...varint]), content]);
}

function oversized(): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(muxMessageBytesMax + 1, 1);
  return prefix;
}
