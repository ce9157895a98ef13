import { expect, test } from "vitest";
import { copiedBytes } from "../test-rig/copied-bytes.js";
import { HeldBytes } from "./held-bytes.js";

test("gives what came, in order, however it was cut", () => {
  const all = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251));
  const held = new HeldBytes();
  for (let at = 0, turn = 0; at < all.length; turn += 1) {
    const size = [1, 3, 20_000, 7, 16_000, 500, 16_384][turn % 7] as number;
    held.push(all.subarray(at, at + size));
    at += size;
  }
  expect(Buffer.concat(takeAll(held)).equals(all)).toBe(true);
  expect(held.empty).toBe(true);
});

test("joins small pieces, and copies each byte a few times at the most (H2)", () => {
  const bytes = 1_048_576;
  const held = new HeldBytes();
  const one = Buffer.alloc(1);
  const copied = copiedBytes(() => {
    for (let at = 0; at < bytes; at += 1) {
      held.push(one);
    }
  });
  expect(copied).toBeLessThan(4 * bytes);
  expect(takeAll(held)).toHaveLength(bytes / 16_384);
});

test("leaves long pieces as they are", () => {
  const held = new HeldBytes();
  const pieces = [Buffer.alloc(16_384), Buffer.alloc(65_536)];
  for (const piece of pieces) {
    held.push(piece);
  }
  expect(takeAll(held).every((piece, at) => piece === pieces[at])).toBe(true);
});

test("what was taken stays what it is while more comes", () => {
  const held = new HeldBytes();
  const taken: Buffer[] = [];
  for (let at = 0; at < 300; at += 1) {
    held.push(Buffer.alloc(7, at));
    if (at % 10 === 9) {
      taken.push(...takeAll(held));
    }
  }
  const octets = Buffer.concat(taken);
  expect(octets).toHaveLength(2_100);
  expect(octets.every((octet, at) => octet === (Math.floor(at / 7) & 0xff))).toBe(true);
});

test("a small piece of a large read does not keep the read", () => {
  const held = new HeldBytes();
  const read = Buffer.alloc(65_536);
  held.push(read.subarray(10, 20));
  expect(held.shift()?.buffer).not.toBe(read.buffer);
});

function takeAll(held: HeldBytes): Buffer[] {
  const pieces: Buffer[] = [];
  for (let piece = held.shift(); piece !== undefined; piece = held.shift()) {
    pieces.push(piece);
  }
  return pieces;
}
