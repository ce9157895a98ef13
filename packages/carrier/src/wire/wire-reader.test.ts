import { expect, test } from "vitest";
import { WireReader } from "./wire-reader.js";

const violation = expect.objectContaining({ code: "protocol-violation" });

test("a number that takes more than ten bytes, or never ends, is refused", () => {
  for (const octets of [
    Buffer.alloc(11, 0xff),
    Buffer.alloc(10, 0x80),
    Buffer.alloc(3, 0x80),
    Buffer.alloc(0),
  ]) {
    expect(() => new WireReader(octets).varint()).toThrow(violation);
    expect(() => new WireReader(octets).int32()).toThrow(violation);
    expect(() => new WireReader(octets).int64()).toThrow(violation);
    expect(() => new WireReader(octets).sint64()).toThrow(violation);
  }
});

test("a number ends where its message does, though bytes follow", () => {
  const reader = new WireReader(Buffer.from([0x80, 0x80, 0x01]), 0, 2);
  expect(() => reader.varint()).toThrow(violation);
  expect(() => new WireReader(Buffer.from([0x80, 0x80, 0x01]), 0, 2).int32()).toThrow(violation);
});

test("a length beyond the end of the message is refused, be it as long as a number can say", () => {
  const lengths = [
    [0x02, 0x61],
    [0xff, 0xff, 0xff, 0xff, 0x0f, 0x61],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x61],
  ];
  for (const octets of lengths) {
    const reader = () => new WireReader(Buffer.from(octets));
    expect(() => reader().bytes()).toThrow(violation);
    expect(() => reader().utf8()).toThrow(violation);
    expect(() => reader().nested()).toThrow(violation);
    expect(() => reader().skip(0x7a)).toThrow(violation);
  }
});

test("bytes are a view of the message, not a copy", () => {
  const message = Buffer.from([0x02, 0x61, 0x62]);
  const bytes = new WireReader(message).bytes();
  message[1] = 0x7a;
  expect(bytes.toString()).toBe("zb");
});

test("an unknown field is stepped over to its very end", () => {
  const fields: [number, number[]][] = [
    [0x78, [0xff, 0xff, 0x01]],
    [0x79, [1, 2, 3, 4, 5, 6, 7, 8]],
    [0x7a, [0x03, 1, 2, 3]],
    [0x7d, [1, 2, 3, 4]],
  ];
  for (const [tag, octets] of fields) {
    const reader = new WireReader(Buffer.from([...octets, 0x2a]));
    reader.skip(tag);
    expect(reader.offset).toBe(octets.length);
    for (let length = 0; length < octets.length; length += 1) {
      const short = new WireReader(Buffer.from([...octets, 0x2a]), 0, length);
      expect(() => short.skip(tag)).toThrow(violation);
    }
  }
});

test("groups, wire types that do not exist and the field number 0 are refused", () => {
  for (const tag of [0x7b, 0x7c, 0x7e, 0x7f, 0x00, 0x01, 0x02, 0x05]) {
    expect(() => new WireReader(Buffer.alloc(20)).skip(tag)).toThrow(violation);
  }
});
