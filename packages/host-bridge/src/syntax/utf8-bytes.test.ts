import { describe, expect, it } from "vitest";
import { isUtf8Bytes } from "./utf8-bytes.js";

describe("isUtf8Bytes", () => {
  it("agrees with TextDecoder on every sequence of interesting bytes up to four long", () => {
    const bytes = [0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf];
    bytes.push(0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff);
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const sequence: number[] = [];
    let disagreements = 0;
    let valid = 0;
    const visit = (): void => {
      if (sequence.length > 0) {
        const ours = isUtf8Bytes(String.fromCharCode(...sequence));
        let theirs = true;
        try {
          decoder.decode(Uint8Array.from(sequence));
        } catch {
          theirs = false;
        }
        disagreements += ours === theirs ? 0 : 1;
        valid += theirs ? 1 : 0;
      }
      if (sequence.length < 4) {
        for (const byte of bytes) {
          sequence.push(byte);
          visit();
          sequence.pop();
        }
      }
    };
    visit();
    expect(disagreements).toBe(0);
    expect(valid).toBeGreaterThan(16);
  });

  it("refuses characters that are no bytes", () => {
    expect(isUtf8Bytes("\u0100")).toBe(false);
    expect(isUtf8Bytes("a\u{1f600}")).toBe(false);
  });
});
