import * as fc from "fast-check";
import { expect, test } from "vitest";
import { randomRuns } from "@servehttp/testkit";
import { GrpcMessageReader } from "./grpc-message-reader.js";
import { copiedBytes } from "../test-rig/copied-bytes.js";

const messageBytesMax = 70_000;
const violation = expect.objectContaining({ code: "protocol-violation" });

test("gives the same messages however the input is sliced", () => {
  const lengths = fc.array(
    fc.oneof(fc.nat(40), fc.constantFrom(0, 1, 4, 5, 6, 65_536, messageBytesMax)),
    { maxLength: 8 },
  );
  const slices = fc.array(fc.oneof(fc.nat(8), fc.nat(100_000)), { maxLength: 40 });
  fc.assert(
    fc.property(lengths, slices, (sizes, cuts) => {
      const messages = sizes.map((size, index) => Buffer.alloc(size, index + 1));
      const input = Buffer.concat(messages.map(framed));
      const reader = new GrpcMessageReader(messageBytesMax);
      const read: Buffer[] = [];
      let at = 0;
      for (const cut of cuts) {
        readAll(reader, input.subarray(at, at + cut), read);
        at = Math.min(at + cut, input.length);
      }
      readAll(reader, input.subarray(at), read);
      expect(areSame(read, messages)).toBe(true);
    }),
    randomRuns(500),
  );
});

test("gives the same messages one byte at a time", () => {
  const messages = [0, 1, 0, 0, 300, 5].map((size, index) => Buffer.alloc(size, index + 1));
  const reader = new GrpcMessageReader(messageBytesMax);
  const read: Buffer[] = [];
  for (const octet of Buffer.concat(messages.map(framed))) {
    readAll(reader, Buffer.from([octet]), read);
  }
  expect(areSame(read, messages)).toBe(true);
});

test("copies each byte once where they come one at a time (H2)", () => {
  const input = framed(Buffer.alloc(messageBytesMax));
  const reader = new GrpcMessageReader(messageBytesMax);
  const read: Buffer[] = [];
  const copied = copiedBytes(() => {
    for (let at = 0; at < input.length; at += 1) {
      readAll(reader, input.subarray(at, at + 1), read);
    }
  });
  expect(read).toHaveLength(1);
  expect(copied).toBeLessThanOrEqual(input.length);
});

test("a message that lies in one piece of input is a view of it", () => {
  const input = Buffer.concat([framed(Buffer.from("ab")), framed(Buffer.from("cd"))]);
  const read: Buffer[] = [];
  readAll(new GrpcMessageReader(messageBytesMax), input, read);
  expect(read.every(({ buffer }) => buffer === input.buffer)).toBe(true);
});

test("refuses a message over the limit by its prefix, and nothing of it is kept", () => {
  const reader = new GrpcMessageReader(10);
  const read: Buffer[] = [];
  readAll(reader, framed(Buffer.alloc(10)), read);
  expect(read).toHaveLength(1);
  reader.push(Buffer.from([0, 0, 0, 0, 11]));
  expect(() => reader.next()).toThrow(violation);
  const huge = new GrpcMessageReader(10);
  huge.push(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]));
  expect(() => huge.next()).toThrow(violation);
});

test("refuses a compressed message, also where its prefix comes in pieces", () => {
  for (const flag of [1, 2, 0x80, 0xff]) {
    const whole = new GrpcMessageReader(10);
    whole.push(Buffer.from([flag, 0, 0, 0, 0]));
    expect(() => whole.next()).toThrow(violation);
    const pieces = new GrpcMessageReader(10);
    readAll(pieces, Buffer.from([flag]), []);
    pieces.push(Buffer.from([0, 0, 0, 0]));
    expect(() => pieces.next()).toThrow(violation);
  }
});

function framed(message: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function readAll(reader: GrpcMessageReader, input: Buffer, read: Buffer[]): void {
  reader.push(input);
  for (let next = reader.next(); next !== undefined; next = reader.next()) {
    read.push(next);
  }
}

function areSame(read: readonly Buffer[], messages: readonly Buffer[]): boolean {
  return (
    read.length === messages.length &&
    read.every((message, index) => message.equals(messages[index]!))
  );
}
