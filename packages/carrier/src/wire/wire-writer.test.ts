import { create, toBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { HeaderFieldSchema } from "../../../contract/src/gen/servehttp/v1/exchange_pb.js";
import { randomRuns } from "@servehttp/testkit";
import { WireReader } from "./wire-reader.js";
import { WireWriter } from "./wire-writer.js";

test("a message is its prefix, uncompressed and with its length, and then its bytes", () => {
  const writer = new WireWriter();
  writer.beginMessage();
  writer.latin1(0x0a, "abc");
  expect(writer.messageBytes).toBe(10);
  expect(Buffer.concat(writer.endMessage())).toEqual(
    Buffer.from([0, 0, 0, 0, 5, 0x0a, 3, 0x61, 0x62, 0x63]),
  );
});

test("an empty message is its prefix alone", () => {
  const writer = new WireWriter();
  writer.beginMessage();
  expect(Buffer.concat(writer.endMessage())).toEqual(Buffer.alloc(5));
});

test("numbers of all kinds are read as they were written", () => {
  const writer = new WireWriter();
  const edges = [0, 1, 127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53 - 1];
  const uint = fc.oneof(fc.constantFrom(...edges), fc.maxSafeNat());
  const sint = fc.oneof(
    fc.constantFrom(0, -1, 2 ** 40, -(2 ** 40), 2 ** 52 - 1, -(2 ** 52)),
    fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }),
  );
  const int32 = fc.oneof(fc.constantFrom(-1, -(2 ** 31), -(2 ** 28), 2 ** 31 - 1), fc.integer());
  fc.assert(
    fc.property(uint, sint, int32, (unsigned, signed, small) => {
      writer.beginMessage();
      writer.varint(unsigned);
      writer.varint(unsigned);
      writer.sint64(signed);
      writer.int32(small);
      const reader = new WireReader(Buffer.concat(writer.endMessage()), 5);
      expect(reader.varint()).toBe(unsigned);
      expect(reader.int64()).toBe(unsigned);
      expect(reader.sint64()).toBe(signed);
      expect(reader.int32()).toBe(small);
      expect(reader.done).toBe(true);
    }),
    randomRuns(1_000),
  );
});

test("fields of any length come back, wherever the slab ends, and while earlier messages wait", () => {
  const writer = new WireWriter();
  const length = fc.oneof(
    { weight: 6, arbitrary: fc.nat(200) },
    { weight: 2, arbitrary: fc.constantFrom(4_095, 4_096, 4_097, 65_535, 65_536, 65_537) },
    { weight: 1, arbitrary: fc.nat(150_000) },
  );
  const field = fc.record({ kind: fc.constantFrom("latin1", "utf8", "bytes", "nested"), length });
  const message = fc.array(field, { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 10 }), (messages) => {
      let seed = 0;
      const written = messages.map((fields) => {
        writer.beginMessage();
        for (const { kind, length: bytes } of fields) {
          writeField(writer, kind, bytes, (seed += 1));
        }
        const { messageBytes } = writer;
        const segments = writer.endMessage();
        expect(segments.reduce((sum, segment) => sum + segment.length, 0)).toBe(messageBytes);
        return segments;
      });
      seed = 0;
      for (const [index, fields] of messages.entries()) {
        const octets = Buffer.concat(written[index]!);
        expect(octets[0]).toBe(0);
        expect(octets.readUInt32BE(1)).toBe(octets.length - 5);
        const reader = new WireReader(octets, 5);
        for (const { kind, length: bytes } of fields) {
          expect(readsField(reader, kind, bytes, (seed += 1))).toBe(true);
        }
        expect(reader.done).toBe(true);
      }
    }),
    randomRuns(100),
  );
});

test.each([0, 1, 59, 60, 123, 124, 127, 128, 16_380, 16_383, 16_384, 70_000])(
  "a header field of a value of %i bytes is as short as it can be",
  (length) => {
    const [name, value] = ["x-a", "v".repeat(length)];
    const writer = new WireWriter();
    writer.beginMessage();
    writer.latin1Pair(0x4a, name, value);
    const fields = Buffer.concat(writer.endMessage()).subarray(5);
    const inner = toBinary(
      HeaderFieldSchema,
      create(HeaderFieldSchema, { name, values: [Buffer.from(value)] }),
    );
    const expected = Buffer.concat([Buffer.from([0x4a]), lengthOf(inner), inner]);

    expect(fields.equals(expected)).toBe(true);
  },
);

function lengthOf({ length }: Uint8Array): Buffer {
  const writer = new WireWriter();
  writer.beginMessage();
  writer.varint(length);
  return Buffer.concat(writer.endMessage()).subarray(5);
}

test("the length of a nested message is right when the message lies in many pieces", () => {
  const writer = new WireWriter();
  writer.beginMessage();
  writer.beginNested(0x0a);
  for (let index = 0; index < 5; index += 1) {
    writer.bytes(0x12, Buffer.alloc(40_000, index));
    writer.latin1(0x1a, "x".repeat(30_000));
  }
  writer.endNested();
  writer.varint(0x08);
  writer.varint(7);
  const reader = new WireReader(Buffer.concat(writer.endMessage()), 5);
  expect(reader.varint()).toBe(0x0a);
  const nested = reader.nested();
  expect(reader.varint()).toBe(0x08);
  expect(reader.varint()).toBe(7);
  expect(reader.done).toBe(true);
  for (let index = 0; index < 5; index += 1) {
    expect(nested.varint()).toBe(0x12);
    expect(nested.bytes().equals(Buffer.alloc(40_000, index))).toBe(true);
    expect(nested.varint()).toBe(0x1a);
    expect(nested.bytes().toString("latin1")).toBe("x".repeat(30_000));
  }
  expect(nested.done).toBe(true);
});

test("long bytes are passed on, not copied", () => {
  const writer = new WireWriter();
  const chunk = Buffer.alloc(5_000, 1);
  writer.beginMessage();
  writer.bytes(0x12, chunk);
  const segments = writer.endMessage();
  expect(segments.some(({ buffer }) => buffer === chunk.buffer)).toBe(true);
});

test("a message that was given up halfway leaves nothing in the next", () => {
  const writer = new WireWriter();
  writer.beginMessage();
  writer.beginNested(0x0a);
  writer.bytes(0x12, Buffer.alloc(5_000));
  expect(() => writer.latin1(0x1a, undefined as unknown as string)).toThrow(TypeError);
  writer.beginMessage();
  writer.beginNested(0x0a);
  writer.latin1(0x12, "a");
  writer.endNested();
  expect(Buffer.concat(writer.endMessage())).toEqual(
    Buffer.from([0, 0, 0, 0, 8, 0x0a, 0x83, 0x80, 0x80, 0x00, 0x12, 1, 0x61]),
  );
});

function writeField(writer: WireWriter, kind: string, length: number, seed: number): void {
  switch (kind) {
    case "latin1":
      writer.latin1(0x0a, String.fromCharCode(seed & 0xff).repeat(length));
      break;
    case "utf8":
      writer.utf8(0x0a, "\u20ac".repeat(length));
      break;
    case "bytes":
      writer.bytes(0x0a, Buffer.alloc(length, seed));
      break;
    default:
      writer.beginNested(0x0a);
      writer.bytes(0x12, Buffer.alloc(length, seed));
      writer.varint(0x18);
      writer.varint(seed);
      writer.endNested();
  }
}

function readsField(reader: WireReader, kind: string, length: number, seed: number): boolean {
  if (reader.varint() !== 0x0a) {
    return false;
  }
  switch (kind) {
    case "latin1":
      return reader.bytes().toString("latin1") === String.fromCharCode(seed & 0xff).repeat(length);
    case "utf8":
      return reader.utf8() === "\u20ac".repeat(length);
    case "bytes":
      return reader.bytes().equals(Buffer.alloc(length, seed));
    default: {
      const nested = reader.nested();
      return (
        nested.varint() === 0x12 &&
        nested.bytes().equals(Buffer.alloc(length, seed)) &&
        nested.varint() === 0x18 &&
        nested.varint() === seed &&
        nested.done
      );
    }
  }
}
