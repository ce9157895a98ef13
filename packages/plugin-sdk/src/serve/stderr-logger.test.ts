import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { stderrLogger } from "./stderr-logger.js";

let written = "";
const { stackTraceLimit } = Error;

beforeEach(() => {
  written = "";
  // What other test files of this process load may raise it, and long stacks are cut.
  Error.stackTraceLimit = 10;
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    written += String(text);
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  Error.stackTraceLimit = stackTraceLimit;
});

it("writes one line of JSON for each entry, with pino's levels and names", () => {
  const before = Date.now();
  stderrLogger.warn({ requestId: "r1" }, "first");
  stderrLogger.error({ requestId: "r2", bytes: 5n }, "second\nwith a break");
  const [first, second, ...rest] = lines();
  expect(first).toEqual({ level: 40, time: expect.any(Number), requestId: "r1", msg: "first" });
  expect(first?.["time"]).toBeGreaterThanOrEqual(before);
  expect(second).toMatchObject({
    level: 50,
    requestId: "r2",
    bytes: "5",
    msg: "second\nwith a break",
  });
  expect(rest).toEqual([]);
});

it("shows of an error what says where it comes from, its cause and its parts included", () => {
  const cause = Object.assign(new TypeError("the cause"), { code: "ENOENT" });
  const err = new AggregateError([new Error("a part")], "all failed", { cause });
  stderrLogger.error({ err }, "the handler failed");
  expect(lines()[0]?.["err"]).toEqual({
    type: "AggregateError",
    message: "all failed",
    stack: err.stack,
    cause: { type: "TypeError", message: "the cause", code: "ENOENT", stack: cause.stack },
    errors: [{ type: "Error", message: "a part", stack: expect.any(String) }],
  });
});

it.each([
  ["a stack", { err: Object.assign(new Error("deep"), { stack: "at f\n".repeat(4_000) }) }],
  ["causes", { err: new Error("a".repeat(5_000), { cause: new Error("b".repeat(5_000)) }) }],
  ["many parts", { err: new AggregateError(Array.from({ length: 500 }, () => new Error("part"))) }],
  ["control characters", { text: "\u0001".repeat(60_000) }],
])("writes one line of at most 8 KiB (H3): %s", (_kind, details) => {
  stderrLogger.error({ requestId: "r1", ...details }, "m".repeat(300));
  expect(lines()).toHaveLength(1);
  expect(Buffer.byteLength(written)).toBeLessThanOrEqual(8_192 + 1);
  expect(written).toContain("r1");
  expect(lines()[0]).toMatchObject({ level: 50, msg: expect.stringMatching(/^m{128}/) });
});

const circular: Record<string, unknown> = { name: "a circle" };
circular["self"] = circular;
const ownCause = new Error("its own cause");
ownCause.cause = ownCause;
const hostile = {
  name: "hostile",
  toJSON: () => {
    throw new Error("no");
  },
};
const proxy = new Proxy(
  { name: "a proxy" },
  {
    get: () => {
      throw new Error("no");
    },
  },
);

it.each([
  ["a circle", circular],
  ["its own cause", ownCause],
  ["hostile", hostile],
  ["a proxy", proxy],
])("never throws, whatever a handler threw: %s", (name, err) => {
  stderrLogger.error({ requestId: "r1", err }, "the handler failed");
  const [line, ...rest] = lines();
  expect(line).toMatchObject({ level: 50, msg: "the handler failed" });
  expect(written).toContain("r1");
  expect(written).toContain(name);
  expect(rest).toEqual([]);
});

it.each([undefined, null, "text", 5, Symbol("s"), () => 1])(
  "takes what is no error for what it is: %s",
  (err) => {
    stderrLogger.error({ err }, "the handler failed");
    expect(lines()).toMatchObject([{ level: 50, msg: "the handler failed" }]);
  },
);

function lines(): Record<string, unknown>[] {
  expect(written.endsWith("\n")).toBe(true);
  return written
    .slice(0, -1)
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
