import { expect, test } from "vitest";
import { endLending, isLent, lendMemory, returnView } from "./lent-memory.js";
import { viewOrCopy } from "./view-or-copy.js";

/** Two large views and a small part of memory that is lent. */
function lend() {
  const buffer = Buffer.allocUnsafeSlow(262_144).fill("a");
  lendMemory(buffer.buffer);
  const views = [viewOrCopy(buffer, 0, 65_536), viewOrCopy(buffer, 65_536, 131_072)] as const;
  const copy = viewOrCopy(buffer, 200_000, 200_100);
  return { memory: buffer.buffer, views, copy };
}

test("is freed once no more views come and all are returned", () => {
  const { memory, views, copy } = lend();
  returnView(views[1]);
  endLending(memory);
  expect(views[0].equals(Buffer.alloc(65_536, "a"))).toBe(true);
  expect(isLent(views[0])).toBe(true);
  returnView(views[0]);
  expect(memory.byteLength).toBe(0);
  expect(isLent(views[0])).toBe(false);
  expect(copy.toString()).toBe("a".repeat(100));
});

test("is not freed while more views may come", () => {
  const { memory, views } = lend();
  returnView(views[0]);
  returnView(views[1]);
  expect(memory.byteLength).toBe(262_144);
  endLending(memory);
  expect(memory.byteLength).toBe(0);
});

test("is left to the collector where a view is never returned", () => {
  const { memory, views } = lend();
  endLending(memory);
  returnView(views[0]);
  expect(memory.byteLength).toBe(262_144);
});

test("is left to the collector where no view was counted", () => {
  const read = Buffer.allocUnsafeSlow(262_144);
  lendMemory(read.buffer);
  endLending(read.buffer);
  expect(read).toHaveLength(262_144);
});

test("is never taken from anybody who has not lent it", () => {
  const { copy } = lend();
  const own = Buffer.allocUnsafeSlow(262_144);
  for (const bytes of [own, copy]) {
    expect(isLent(bytes)).toBe(false);
    returnView(bytes);
    endLending(bytes.buffer);
    expect(bytes.length).toBeGreaterThan(0);
  }
});
