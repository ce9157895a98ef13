import fc from "fast-check";
import { expect, it } from "vitest";
import { ServeHTTPError } from "../index.js";
import { observed } from "../test-rig/observed.js";
import { accessRecord } from "./access-record.js";
import { type LoggedRequest, writeJsonLine } from "./json-line.js";
import { LineWriter } from "./line-writer.js";

const unixMs = 1_700_000_000_005;
const trace = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b71", sampled: true };

/** The lines of these requests. */
function linesOf(requests: readonly LoggedRequest[], nowMs = unixMs): string[] {
  let text = "";
  const destination = {
    write: (lines: Buffer) => {
      text += lines.toString();
      return true;
    },
    close: () => undefined,
  };
  const writer = new LineWriter(destination, { warn: () => expect.unreachable() });
  for (const request of requests) {
    writeJsonLine(writer, request, nowMs);
  }
  writer.close();
  expect(text.endsWith("\n")).toBe(true);
  return text.slice(0, -1).split("\n");
}

/** What has to be in the line of a request. */
function recordOf(request: LoggedRequest): unknown {
  return {
    level: 30,
    time: unixMs,
    pid: process.pid,
    hostname: expect.any(String) as string,
    name: "servehttp",
    ...(JSON.parse(JSON.stringify(accessRecord(request))) as object),
    msg: "request",
  };
}

it.each<[string, Partial<LoggedRequest>]>([
  ["a plain request", {}],
  ["one with a query", { target: '/a?b="\\\n\u2028é' }],
  ["one with an empty query", { target: "/a?" }],
  ["one of an unknown method", { method: "STEAL" }],
  ["one without a client", { clientAddress: "", host: "", requestId: undefined }],
  ["one of IPv6", { clientAddress: "[2001:db8::1]:1", host: "[::1]" }],
  ["one for no plugin", { pluginId: undefined, status: 404, outcome: "answered-by-host" }],
  [
    "one that failed",
    { outcome: "deadline", error: new ServeHTTPError("deadline", "late"), headMs: undefined },
  ],
  ["one whose client left", { outcome: "client-disconnected", status: undefined }],
  ["one that waited", { waitedMs: 12.34567, timesGivenBack: 1 }],
  ["a tunnel", { isTunnel: true, status: 101 }],
  ["a call within a trace", { calledBy: "other", trace }],
  ["a trace with ids of the application's own", { trace: { ...trace, traceId: '"é"' } }],
  ["one with more bytes than 32 bits count", { requestBytes: 2 ** 31, responseBytes: 2 ** 53 }],
])("a line has what a record has: of %s", (_what, given) => {
  const request = observed(given, { "user-agent": 'a "b" \\ \u0007 é' });
  expect(linesOf([request]).map((line) => JSON.parse(line) as unknown)).toEqual([
    recordOf(request),
  ]);
});

it("has any text, and any time and size, as a record has them", () => {
  const code = fc.oneof(fc.nat({ max: 0x7f }), fc.nat({ max: 0xffff }));
  const codes = fc.array(code, { maxLength: 40 });
  const text = codes.map((all) => String.fromCharCode(...all));
  const ms = fc.double({ min: 0, max: 1e10, noNaN: true });
  const size = fc.maxSafeNat();
  const facts = { target: text, requestId: text, headMs: ms, totalMs: ms };
  const given = fc.record({ ...facts, requestBytes: size, responseBytes: size });
  const requests = fc.array(given, { minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(requests, (some) => {
      const all = some.map((one) => observed(one));
      const lines = linesOf(all);
      expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(all.map(recordOf));
    }),
    { numRuns: 5 },
  );
});

it("repeats only what requests with the same fields on one connection have in common", () => {
  const lineMemo = { made: undefined };
  const given: readonly Partial<LoggedRequest>[] = [
    {},
    { target: "/plugins/notes/b", status: 404, requestId: "a-2", totalMs: 0.0004, headMs: 0 },
    { method: "HEAD", responseBytes: 0 },
    { pluginId: "other" },
    { outcome: "client-disconnected" },
    { trace },
  ];
  const requests = given.map((one) => observed({ lineMemo, ...one }));
  expect(lineMemo.made).toBeUndefined();
  const lines = linesOf(requests);
  expect(lineMemo.made).toBeDefined();
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(requests.map(recordOf));
});

it("repeats lines of requests that come again, but for their ids and times", () => {
  const lineMemo = { made: undefined };
  const given: readonly Partial<LoggedRequest>[] = [
    {},
    { requestId: "a-2" },
    { requestId: "a-3", headMs: 12_345.678, totalMs: 12_346 },
    { requestId: "a-4", trace },
    { requestId: "a-10", timesGivenBack: 1, waitedMs: 1.5 },
    { requestId: "a-11" },
    { requestId: "a-12" },
    { requestId: 'a"13' },
    { requestId: "a-14", responseBytes: 6 },
    { requestId: "a-15", responseBytes: 6 },
    { requestId: "a-16", responseBytes: 6 },
    { requestId: "a-17", status: 404 },
    { requestId: "a-18", outcome: "client-disconnected" },
    { requestId: "a-19", requestBytes: 6 },
    { requestId: "a-20", requestBytes: 6 },
    { requestId: "a-21", requestBytes: 6 },
    { requestId: "a-22", target: "/plugins/notes/c" },
    { requestId: "a-23", target: "/plugins/notes/c" },
    { requestId: "a-24", target: "/plugins/notes/c" },
    { requestId: undefined, target: "/plugins/notes/c" },
  ];
  const requests = given.map((one) => observed({ lineMemo, ...one }));
  const lines = linesOf(requests);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(requests.map(recordOf));
});

it("has room for the worst text, in one buffer with others and beyond it", () => {
  const bad = [1, 100, 10_000, 60_000].map((length) => `/${"\u0001".repeat(length)}`);
  const requests = bad.flatMap((target) => [observed({ target }), observed()]);
  const lines = linesOf([...requests, ...requests]);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
    [...requests, ...requests].map(recordOf),
  );
});

it.each([0, 5, 999_999_999_999, 1_000_000_000_000])(
  "is JSON whatever the clock says: %d",
  (nowMs) => {
    expect(linesOf([observed()], nowMs).map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { time: nowMs, pid: process.pid },
    ]);
  },
);
