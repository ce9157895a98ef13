import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { callHandler } from "@servehttp/plugin-sdk/testing";
import { describe, expect, test } from "vitest";
import { TemporaryDirectory } from "@servehttp/testkit";
import { FileStore } from "./file-store.js";
import { filesHandler } from "./files-handler.js";
import { UploadLedger } from "./upload-ledger.js";

describe("filesHandler", () => {
  test.each(["client-disconnected", "deadline", "host-stopping", "connection-lost"] as const)(
    "puts down %s as the reason of an upload cut off while the plugin reads",
    async (code) => {
      await using plugin = await filesPlugin();
      const body = new PassThrough();
      const call = callHandler(plugin.handler, { method: "PUT", url: "/content/a.bin", body });
      body.write(randomBytes(10_000));
      await expect.poll(() => plugin.ledger.uploads[0]?.receivedBytes).toBe(10_000);
      call.abort(code);
      await expect
        .poll(() => plugin.ledger.uploads[0]?.outcome)
        .toEqual({ state: "cancelled", reason: code });
      expect(await readdir(plugin.directory)).toEqual([".incoming"]);
    },
  );

  test("notices the client leave while it waits out its pace", async () => {
    await using plugin = await filesPlugin();
    const url = "/content/a.bin?bytesPerSecond=1024";
    const call = callHandler(plugin.handler, { method: "PUT", url, body: randomBytes(131_072) });
    await expect.poll(() => plugin.ledger.uploads[0]?.receivedBytes).toBe(65_536);
    call.abort();
    await expect
      .poll(() => plugin.ledger.uploads[0]?.outcome)
      .toEqual({ state: "cancelled", reason: "client-disconnected" });
  });

  test("puts down what the system said where the disk fails, and tells the client nothing of it", async () => {
    await using plugin = await filesPlugin();
    await rm(join(plugin.directory, ".incoming"), { recursive: true });
    const call = callHandler(plugin.handler, { method: "PUT", url: "/content/a.bin", body: "x" });
    await expect(call.response).rejects.toMatchObject({ code: "handler-failed" });
    expect(plugin.ledger.uploads[0]).toMatchObject({
      outcome: { state: "failed", reason: "ENOENT" },
    });
  });

  test("stops reading the file when its client leaves", async () => {
    await using plugin = await filesPlugin();
    const body = randomBytes(4_000_000);
    await (
      await callHandler(plugin.handler, { method: "PUT", url: "/content/a.bin", body }).response
    ).json();
    const call = callHandler(plugin.handler, { url: "/content/a.bin" });
    const response = await call.response;
    const chunks = response.body[Symbol.asyncIterator]();
    await chunks.next();
    call.abort();
    const readOn = async () => {
      for (let result = await chunks.next(); !result.done;) {
        result = await chunks.next();
      }
    };
    await expect(readOn()).rejects.toMatchObject({ code: "client-disconnected" });
  });
});

async function filesPlugin() {
  const directory = await TemporaryDirectory.make();
  const ledger = new UploadLedger(() => 0);
  const serveHTTP = filesHandler(await FileStore.open(directory.path), ledger);
  return {
    directory: directory.path,
    ledger,
    handler: { serveHTTP },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}
