import { describe, expect, it } from "vitest";
import { logRecords } from "../test-rig/log-records.js";
import { lineText, logPluginLine } from "./log-plugin-line.js";

/** What a line comes to in the host's log. */
function logged(line: string, cut = false): Record<string, unknown> {
  const { logger, records } = logRecords();
  logPluginLine(logger, "stderr", line, cut);
  expect(records).toHaveLength(1);
  const { time, hostname, pid, ...rest } = records[0] ?? {};
  expect(pid).toBe(process.pid);
  expect([typeof time, typeof hostname]).toEqual(["number", "string"]);
  return rest;
}

describe("logPluginLine (H3)", () => {
  it("logs a line at level info, and escapes what would colour, move or break it", () => {
    expect(logged("\x1b[31mred\x1b[0m\rover\x07\u2028\u202eback\x9b\ttab\0\x7f")).toEqual({
      level: 30,
      stream: "stderr",
      msg: "\\x1b[31mred\\x1b[0m\\rover\\x07\\u2028\\u202eback\\x9b\ttab\\x00\\x7f",
    });
  });

  it("keeps level, fields and message of a record of the plugin's own logger", () => {
    const record = {
      level: 50,
      time: 1,
      pid: 4,
      hostname: "elsewhere",
      requestId: "7",
      err: { type: "TypeError", message: "no such note", stack: "TypeError\n    at read" },
      count: 3,
      list: [1, "two", { three: 3 }],
      msg: "the handler failed",
    };
    const { requestId, count, list, err } = record;
    expect(logged(JSON.stringify(record))).toEqual({
      level: 50,
      stream: "stderr",
      requestId,
      count,
      list,
      err: expect.objectContaining({ message: err.message, stack: err.stack }),
      msg: "the handler failed",
    });
  });

  it.each([
    [10, 20],
    [20, 20],
    [35, 30],
    [40, 40],
    [60, 50],
    ["INFO", 30],
    ["Warning", 40],
    ["CRITICAL", 50],
  ])("takes level %j for %j", (level, expected) => {
    expect(logged(JSON.stringify({ level, msg: "x" }))).toMatchObject({ level: expected });
  });

  it("takes a level and a message under the names of other loggers", () => {
    const record = { severity: "ERROR", message: "it broke", timestamp: "now" };
    expect(logged(JSON.stringify(record))).toEqual({
      level: 50,
      stream: "stderr",
      msg: "it broke",
    });
  });

  it.each([
    '{"a":1}',
    '{"level":"loud","msg":"x"}',
    '{"level":50}',
    '{"level":50,"msg":5}',
    '{"level":50,"msg":"x"',
    "[50]",
    "null",
  ])("takes %s for text", (line) => {
    expect(logged(line)).toEqual({ level: 30, stream: "stderr", msg: line });
  });

  it("keeps the level of a record that was cut", () => {
    const line = `{"level":50,"time":1,"msg":"${"x".repeat(100)}`;
    expect(logged(line, true)).toEqual({ level: 50, stream: "stderr", cut: true, msg: line });
    expect(logged('{"level":"warn","msg":"x', true)).toMatchObject({ level: 40 });
    expect(logged("plain", true)).toMatchObject({ level: 30, msg: "plain" });
  });

  it("escapes texts and names in a record, but the line ends of a stack", () => {
    const record = {
      level: 30,
      msg: "one\ntwo\x1b[2J",
      "na\nme": "va\nlue",
      err: { stack: "Error: x\x1b\n    at y" },
      deep: { list: ["a\u2028b"] },
    };
    expect(logged(JSON.stringify(record))).toEqual({
      level: 30,
      stream: "stderr",
      msg: "one\\ntwo\\x1b[2J",
      "na\\nme": "va\\nlue",
      err: { stack: "Error: x\\x1b\n    at y" },
      deep: { list: ["a\\u2028b"] },
    });
  });

  it("leaves out what lies too deep, and takes no prototype from a record", () => {
    const deep = `${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}`;
    const record = logged(`{"level":30,"msg":"x","deep":${deep},"__proto__":{"polluted":true}}`);
    expect(JSON.stringify(record).length).toBeLessThan(300);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe("lineText", () => {
  it("is a line, escaped, or the messages of a record", () => {
    const record = { level: 50, msg: "the handler failed", err: { message: "no such\nnote" } };
    expect([
      lineText("\x1b[31mred"),
      lineText(JSON.stringify(record)),
      lineText('{"level":50,"msg":"it\\u001b ends"}'),
    ]).toEqual(["\\x1b[31mred", "the handler failed: no such\\nnote", "it\\x1b ends"]);
  });
});
