import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TemporaryDirectory } from "@servehttp/testkit";
import { FileStore, type OpenFile } from "./file-store.js";

describe("FileStore", () => {
  test.each([0, 1, 65_536, 262_144, 1_000_003])(
    "keeps %i bytes, with their hash",
    async (sizeBytes) => {
      await using directory = await TemporaryDirectory.make();
      const store = await FileStore.open(directory.path);
      const bytes = randomBytes(sizeBytes);
      const stored = await store.receive("a.bin", chunksOf(bytes, 65_536));
      expect(stored).toMatchObject({ name: "a.bin", sizeBytes, sha256: sha256Of(bytes) });
      expect(await store.list()).toEqual([stored]);
      await using file = await store.read("a.bin");
      expect(sha256Of(await bytesOf(file!, 0, sizeBytes - 1))).toBe(sha256Of(bytes));
    },
  );

  test("reads a part, both ends included", async () => {
    await using directory = await TemporaryDirectory.make();
    const store = await FileStore.open(directory.path);
    const bytes = randomBytes(600_000);
    await store.receive("a.bin", chunksOf(bytes, 50_000));
    await using file = await store.read("a.bin");
    expect(await bytesOf(file!, 300_000, 300_000)).toEqual(bytes.subarray(300_000, 300_001));
    expect(sha256Of(await bytesOf(file!, 1, 599_998))).toBe(sha256Of(bytes.subarray(1, 599_999)));
  });

  test("leaves nothing behind, and the old file in place, when the body is cut", async () => {
    await using directory = await TemporaryDirectory.make();
    const store = await FileStore.open(directory.path);
    const old = await store.receive("a.bin", chunksOf(randomBytes(10), 10));
    const cut = async function* () {
      yield* chunksOf(randomBytes(1_000_000), 65_536);
      throw new Error("cut");
    };
    await expect(store.receive("a.bin", cut())).rejects.toThrow("cut");
    expect(await store.list()).toEqual([old]);
    expect(await readdir(join(directory.path, ".incoming"))).toEqual([]);
  });

  test("replaces a file under its readers, who keep what they opened", async () => {
    await using directory = await TemporaryDirectory.make();
    const store = await FileStore.open(directory.path);
    const [older, newer] = [randomBytes(300_000), randomBytes(300_000)];
    await store.receive("a.bin", chunksOf(older, 65_536));
    await using file = await store.read("a.bin");
    await store.receive("a.bin", chunksOf(newer, 65_536));
    expect(sha256Of(await bytesOf(file!, 0, 299_999))).toBe(sha256Of(older));
    expect(await store.list()).toMatchObject([{ sha256: sha256Of(newer) }]);
  });

  test("deletes once", async () => {
    await using directory = await TemporaryDirectory.make();
    const store = await FileStore.open(directory.path);
    await store.receive("a.bin", chunksOf(randomBytes(1), 1));
    expect(await store.remove("a.bin")).toBe(true);
    expect(await store.remove("a.bin")).toBe(false);
    expect(await store.read("a.bin")).toBeUndefined();
    expect(await store.list()).toEqual([]);
  });

  test("claims no hash of a file that it did not receive", async () => {
    await using directory = await TemporaryDirectory.make();
    const store = await FileStore.open(directory.path);
    await writeFile(join(directory.path, "before.txt"), "there before");
    expect(await store.list()).toMatchObject([{ name: "before.txt", sizeBytes: 12, sha256: null }]);
  });

  test("shows and reads plain files alone", async () => {
    await using directory = await TemporaryDirectory.make();
    const store = await FileStore.open(directory.path);
    await mkdir(join(directory.path, "directory"));
    await symlink("/etc/hostname", join(directory.path, "link"));
    await writeFile(join(directory.path, ".hidden"), "");
    expect(await store.list()).toEqual([]);
    expect(await store.read("directory")).toBeUndefined();
    expect(await store.read("link")).toBeUndefined();
  });

  test("removes what a killed process left on its way", async () => {
    await using directory = await TemporaryDirectory.make();
    await mkdir(join(directory.path, ".incoming"));
    await writeFile(join(directory.path, ".incoming", "half"), "half");
    await FileStore.open(directory.path);
    expect(await readdir(join(directory.path, ".incoming"))).toEqual([]);
  });
});

async function* chunksOf(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.byteLength; start += chunkBytes) {
    yield bytes.subarray(start, start + chunkBytes);
  }
}

async function bytesOf(file: OpenFile, first: number, last: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of last < first ? [] : file.bytes(first, last)) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
