import { createHash } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seededChunks, seededSha256 } from "../seeded-bytes.js";
import { type CallScene, startCallScene } from "./call-scene.js";

const mebibyte = 1_048_576;
const bulkBytes = 64 * mebibyte;

describe.each(["mux", "stream"] as const)("%s: a plugin that calls another", (carrier) => {
  let scene: CallScene;
  beforeAll(async () => {
    scene = await startCallScene(carrier);
  }, 120_000);
  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
  });

  it("carries 64 MiB up and 64 MiB down, hash-equal and in bounded memory", async () => {
    const { observation } = scene;
    const roles = ["host", "caller", "called"];
    const transfer = async (bytes: number): Promise<void> => {
      const up = await upload(scene.port, "call/called/hash", seededChunks("up", bytes));
      expect(JSON.parse(up)).toEqual({ sha256: seededSha256("up", bytes), trailers: [] });
      const down = await scene.ask(`call/called/bytes/${bytes}`);
      expect(await sha256Of(down.body)).toBe(seededSha256("calls", bytes));
    };
    const reports = () =>
      Promise.all(roles.map(async (role) => (await observation.process(role)).report()));
    await transfer(16 * mebibyte);
    const before = await reports();
    await transfer(bulkBytes);
    const after = await reports();
    const grewMiB = after.map((report, at) =>
      Math.round((report.rssMaxBytes - (before[at]?.rssBytes ?? 0)) / mebibyte),
    );
    for (const grew of grewMiB) {
      expect(grew, `grew by ${grewMiB.join(", ")} MiB`).toBeLessThan(40);
    }
  }, 120_000);
});

/** Sends a body to the plugin `caller`, and returns the text of the answer. */
async function upload(port: number, path: string, body: Iterable<Uint8Array>): Promise<string> {
  const outgoing = request({ port, path: `/plugins/caller/${path}`, method: "POST" });
  const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
  await pipeline(Readable.from(body), outgoing);
  const [incoming] = await answered;
  return Buffer.concat(await incoming.toArray()).toString();
}

async function sha256Of(body: AsyncIterable<Uint8Array> | null): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of body ?? []) {
    hash.update(chunk);
  }
  return hash.digest("hex");
}
