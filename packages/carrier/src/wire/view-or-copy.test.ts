import { expect, test } from "vitest";
import { viewOrCopy } from "./view-or-copy.js";

test("a large part of a buffer is a view of it", () => {
  const buffer = Buffer.allocUnsafeSlow(200_000).fill("a");
  const part = viewOrCopy(buffer, 10_000, 70_000);

  expect(part).toHaveLength(60_000);
  expect(part.buffer).toBe(buffer.buffer);
});

test("a small part is a copy, which keeps nothing else in memory", () => {
  const buffer = Buffer.allocUnsafeSlow(262_144);
  buffer.write("hello", 1_000);
  const part = viewOrCopy(buffer, 1_000, 1_005);

  expect(part.toString()).toBe("hello");
  expect(part.buffer).not.toBe(buffer.buffer);
  expect(part.buffer.byteLength).toBeLessThanOrEqual(65_536);
});

test("a part of a buffer for small reads is a view, however small", () => {
  const buffer = Buffer.allocUnsafeSlow(131_072);

  expect(viewOrCopy(buffer, 0, 1).buffer).toBe(buffer.buffer);
});

test("what is no view of the whole buffer counts with all of it", () => {
  const part = viewOrCopy(Buffer.allocUnsafeSlow(200_000).subarray(0, 10), 0, 10);

  expect(part.buffer.byteLength).toBeLessThanOrEqual(65_536);
});
