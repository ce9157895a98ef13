import { describe, expect, test } from "vitest";
import { UploadLedger } from "./upload-ledger.js";

describe("UploadLedger", () => {
  test("shows an upload from its first moment to its end", () => {
    const ledger = new UploadLedger(() => 1_700_000_000_000);
    const upload = ledger.begin("a.bin", 300);
    expect(ledger.uploads).toEqual([
      {
        id: 1,
        name: "a.bin",
        expectedBytes: 300,
        startedAtUnixMs: 1_700_000_000_000,
        receivedBytes: 0,
        outcome: { state: "running" },
      },
    ]);
    upload.receivedBytes += 100;
    upload.outcome = { state: "cancelled", reason: "client-disconnected" };
    expect(ledger.uploads[0]).toMatchObject({
      receivedBytes: 100,
      outcome: { state: "cancelled", reason: "client-disconnected" },
    });
  });

  test("lists the newest first, two of one name apart", () => {
    const ledger = new UploadLedger(() => 0);
    ledger.begin("a.bin", undefined);
    ledger.begin("a.bin", undefined);
    expect(ledger.uploads.map(({ id, expectedBytes }) => [id, expectedBytes])).toEqual([
      [2, null],
      [1, null],
    ]);
  });

  test("forgets the oldest that ended, and none that runs", () => {
    const ledger = new UploadLedger(() => 0);
    const long = ledger.begin("long", undefined);
    for (let count = 0; count < 100; count++) {
      ledger.begin("short", 1).outcome = { state: "stored", sha256: "00" };
    }
    expect(ledger.uploads).toHaveLength(22);
    expect(ledger.uploads.at(-1)).toBe(long);
    expect(ledger.uploads[0]).toMatchObject({ id: 101 });
  });
});
