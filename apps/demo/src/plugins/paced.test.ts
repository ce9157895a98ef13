import { describe, expect, test } from "vitest";
import { paced } from "./paced.js";

describe("paced", () => {
  test("takes the next chunk when its time has come", async () => {
    let clockMs = 0;
    const takenAtMs: number[] = [];
    const body = async function* () {
      for (let count = 0; count < 4; count++) {
        takenAtMs.push(clockMs);
        yield new Uint8Array(500);
      }
    };
    const pace = {
      bytesPerSecond: 1_000,
      now: () => clockMs,
      sleep: async (ms: number) => void (clockMs += ms),
    };
    for await (const _ of paced(body(), pace)) {
      // Storing a chunk takes time of its own, and the wait is shorter by it.
      clockMs += 100;
    }
    expect(takenAtMs).toEqual([0, 500, 1_000, 1_500]);
  });

  test("throws what the wait throws, and gives the body up", async () => {
    let returned = false;
    const body = async function* () {
      try {
        yield new Uint8Array(1);
        yield new Uint8Array(1);
      } finally {
        returned = true;
      }
    };
    const pace = {
      bytesPerSecond: 1,
      now: () => 0,
      sleep: () => Promise.reject(new Error("gone")),
    };
    const chunks = paced(body(), pace);
    await chunks.next();
    await expect(chunks.next()).rejects.toThrow("gone");
    expect(returned).toBe(true);
  });
});
