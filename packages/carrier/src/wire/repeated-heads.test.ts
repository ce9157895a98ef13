import type { ResponseInit } from "@servehttp/contract";
import { expect, test } from "vitest";
import { repeatedHeadBytesMax, repeatedHeadsMax } from "../limits.js";
import { readResponseParts } from "./read-parts.js";
import { RepeatedHeads } from "./repeated-heads.js";
import { WireReader } from "./wire-reader.js";
import { WireWriter } from "./wire-writer.js";
import { writeResponseParts } from "./write-parts.js";

function message(init: ResponseInit): Buffer {
  const writer = new WireWriter();
  writer.beginMessage();
  writeResponseParts(writer, { init, chunk: Buffer.from("body"), end: { trailers: [] } });
  return Buffer.concat(writer.endMessage()).subarray(5);
}

function read(heads: RepeatedHeads, init: ResponseInit): ResponseInit | undefined {
  const parts = readResponseParts(new WireReader(message(init)), heads);
  expect([parts.chunk?.toString(), parts.end]).toEqual(["body", { trailers: [] }]);
  return parts.init;
}

const head = { status: 200, headers: ["content-type", "text/plain", "x-caf\xe9", "caf\xe9"] };

test("a head is kept from the second time on, with a place for what is made of it", () => {
  const heads = new RepeatedHeads();
  const [first, second, third] = [read(heads, head), read(heads, head), read(heads, head)];
  expect(first).toEqual(head);
  expect(second).toMatchObject(head);
  expect(second?.memo).toEqual({ of: second?.headers, made: undefined });
  expect(third).toBe(second);
});

test("a head that differs in one byte is another head", () => {
  const heads = new RepeatedHeads();
  const others = [
    { ...head, status: 201 },
    { ...head, headers: [...head.headers.slice(0, 3), "caf\xe8"] },
    { ...head, headers: [] },
    { ...head, reason: "Fine" },
  ];
  for (const one of [head, ...others, head, ...others, head, ...others]) {
    expect(read(heads, one)).toMatchObject(one);
    expect(read(heads, one)).toMatchObject(one);
  }
});

test("heads that are never the same twice are not kept", () => {
  const heads = new RepeatedHeads();
  for (let number = 0; number < 10 * repeatedHeadsMax; number += 1) {
    const init = read(heads, { status: 200, headers: ["x-request-id", String(number)] });
    expect(init).toEqual({ status: 200, headers: ["x-request-id", String(number)] });
  }
});

test("a head that is too long to be kept is read each time", () => {
  const heads = new RepeatedHeads();
  const long = { status: 200, headers: ["x-long", "a".repeat(repeatedHeadBytesMax)] };
  expect([read(heads, long), read(heads, long), read(heads, long)]).toEqual([long, long, long]);
});

test("a malformed head is refused however often it comes", () => {
  const heads = new RepeatedHeads();
  // The head says that it has one byte more than the message.
  const malformed = Buffer.from([0x12, 0x03, 0x08, 0x01]);
  for (let time = 0; time < 3; time += 1) {
    expect(() => readResponseParts(new WireReader(malformed), heads)).toThrow(
      expect.objectContaining({ code: "protocol-violation" }),
    );
  }
});
