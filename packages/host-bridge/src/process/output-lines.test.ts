import { beforeEach, describe, expect, it } from "vitest";
import { escapeControl } from "./escape-control.js";
import { OutputLines } from "./output-lines.js";

let nowMs = 0;
let lines: [string, boolean][] = [];
let dropped: number[] = [];

function outputLines(): OutputLines {
  const sink = {
    line: (text: string, cut: boolean) => void lines.push([text, cut]),
    dropped: (count: number) => void dropped.push(count),
  };
  return new OutputLines(sink, () => nowMs);
}

beforeEach(() => {
  nowMs = 0;
  lines = [];
  dropped = [];
});

describe("OutputLines (U8)", () => {
  it("gives one line a line, however the bytes are cut into chunks", () => {
    const text = "first\nsecond\r\n\nthird caf\u00e9 \u{1f600}\nlast without end";
    const octets = Buffer.from(text);
    for (const size of [1, 2, 3, 7, octets.length]) {
      lines = [];
      const output = outputLines();
      for (let at = 0; at < octets.length; at += size) {
        output.push(octets.subarray(at, at + size));
      }
      output.end();
      expect(lines.map(([line]) => line)).toEqual([
        "first",
        "second",
        "third caf\u00e9 \u{1f600}",
        "last without end",
      ]);
    }
  });

  it("replaces bytes that are not UTF-8", () => {
    const output = outputLines();
    output.push(Buffer.from([0x61, 0xff, 0x62, 0x0a]));
    expect(lines).toEqual([["a\ufffdb", false]]);
  });

  it("cuts a line at 8 KiB and drops the rest of it", () => {
    const output = outputLines();
    output.push(Buffer.from(`${"x".repeat(8_192)}\n${"y".repeat(8_193)}\nnext\n`));
    expect(lines).toEqual([
      ["x".repeat(8_192), false],
      ["y".repeat(8_192), true],
      ["next", false],
    ]);
  });

  it("passes an endless line on once, and keeps none of it", () => {
    const output = outputLines();
    const chunk = Buffer.alloc(65_536, "z");
    const before = process.memoryUsage().arrayBuffers;
    for (let number = 0; number < 16_384; number++) {
      output.push(chunk);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(24 * 1_048_576);
    output.push(Buffer.from("\nnext\n"));
    output.end();
    expect(lines).toEqual([
      ["z".repeat(8_192), true],
      ["next", false],
    ]);
  });

  it("passes on what its rate allows, and tells how many lines it dropped", () => {
    const output = outputLines();
    const thousand = Buffer.from("line\n".repeat(1_000));
    for (let number = 0; number < 100; number++) {
      output.push(thousand);
    }
    expect(lines).toHaveLength(2_000);
    nowMs = 1_000;
    output.push(thousand);
    expect(lines).toHaveLength(3_000);
    expect(dropped).toEqual([98_000]);
    output.push(Buffer.from("one too many\n"));
    output.end();
    expect(dropped).toEqual([98_000, 1]);
    nowMs = 3_600_000;
    output.push(thousand);
    output.push(thousand);
    output.push(thousand);
    expect(lines).toHaveLength(5_000);
  });

  it("keeps the tail, also of lines that were dropped", () => {
    const output = outputLines();
    for (let number = 0; number < 5_000; number++) {
      output.push(Buffer.from(`line ${number}\n`));
    }
    expect(output.tail().at(-1)).toBe("line 4999");
    expect(output.tail().join("\n").length).toBeLessThanOrEqual(2_048);
    output.push(Buffer.from(`${"x".repeat(100_000)}\n\x1b[1mthe end`));
    expect(output.tail().at(-1)).toBe("\x1b[1mthe end");
    expect(output.tail().join("\n").length).toBeLessThanOrEqual(2_060);
  });

  it("has an empty tail when nothing came", () => {
    expect(outputLines().tail()).toEqual([]);
  });
});

describe("escapeControl", () => {
  it("returns a text without control characters as it is", () => {
    expect(escapeControl("plain\ttext \u00fc")).toBe("plain\ttext \u00fc");
  });

  it("writes line ends as escapes", () => {
    expect(escapeControl("a\nb\r")).toBe("a\\nb\\r");
  });
});
