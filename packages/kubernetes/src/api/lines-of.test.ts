import { expect, it } from "vitest";
import { linesOf } from "./lines-of.js";

async function lines(chunks: readonly Uint8Array[], max = 1_000): Promise<(readonly string[])[]> {
  async function* all() {
    yield* chunks;
  }
  return collected(linesOf(all(), max));
}

async function collected<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) {
    found.push(item);
  }
  return found;
}

it("gives the lines of each chunk together, wherever chunks are cut", async () => {
  expect(await lines(["a\nb\nc", "d\n\n", "half"].map((text) => Buffer.from(text)))).toEqual([
    ["a", "b"],
    ["cd", ""],
  ]);
  const bytes = Buffer.from("zoë\nnaïve\n");
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const found = await lines([bytes.subarray(0, cut), bytes.subarray(cut)]);
    expect(found.flat()).toEqual(["zoë", "naïve"]);
  }
});

it("refuses a line that is longer than allowed before it has all of it", async () => {
  let read = 0;
  async function* endless() {
    for (;;) {
      read += 1;
      yield new Uint8Array(100).fill(97);
    }
  }
  await expect(collected(linesOf(endless(), 1_000))).rejects.toThrow(RangeError);
  expect(read).toBe(11);
});
