import { describe, expect, it } from "vitest";
import { Diagnostics } from "./diagnostics.js";

const first = (chunks: AsyncIterable<Uint8Array>) => chunks[Symbol.asyncIterator]().next();
const { signal: never } = new AbortController();

describe("diagnostics", () => {
  it("profile the process, in pieces of 32 KiB at the most", async () => {
    const pieces: Uint8Array[] = [];
    for await (const piece of new Diagnostics(true).cpuProfile(1, never)) {
      pieces.push(piece);
    }
    expect(pieces.every(({ length }) => length > 0 && length <= 32_768)).toBe(true);
    const profile = JSON.parse(Buffer.concat(pieces).toString()) as object;
    expect(Object.keys(profile)).toEqual(expect.arrayContaining(["nodes", "samples"]));
  });

  it("are taken one at a time, and again once one was given up", async () => {
    const diagnostics = new Diagnostics(true);
    const over = new AbortController();
    const one = first(diagnostics.cpuProfile(300_000, over.signal));
    for (const other of [diagnostics.cpuProfile(1, never), diagnostics.heapSnapshot()]) {
      // oxlint-disable-next-line no-await-in-loop
      await expect(first(other)).rejects.toMatchObject({ code: "overload" });
    }
    over.abort();
    await expect(one).rejects.toThrow("aborted");
    expect((await first(diagnostics.cpuProfile(1, never))).done).toBe(false);
  });

  it("are for nobody whom the plugin does not allow", async () => {
    const diagnostics = new Diagnostics(false);
    for (const chunks of [diagnostics.heapSnapshot(), diagnostics.cpuProfile(1, never)]) {
      // oxlint-disable-next-line no-await-in-loop
      await expect(first(chunks)).rejects.toMatchObject({
        code: "call-refused",
        message: "this plugin allows no diagnostics: servePlugin(handler, { diagnostics: true })",
      });
    }
  });

  it.each([0, 300_001])("take no profile of %d ms", async (durationMs) => {
    await expect(first(new Diagnostics(true).cpuProfile(durationMs, never))).rejects.toMatchObject({
      code: "invalid-argument",
    });
  });
});
