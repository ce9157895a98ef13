import type { LogRecord } from "@servehttp/admin";
import { describe, expect, test } from "vitest";
import { detailsOf, filterRecords } from "./filter-records.js";

const record = (id: number, more: Partial<LogRecord>): LogRecord => ({
  id,
  at: "2026-11-28T07:00:00Z",
  level: "info",
  plugin: "notes",
  pid: 1,
  stream: "stdout",
  message: "",
  fields: {},
  ...more,
});
const records = [
  record(1, { level: "debug", message: "cache miss" }),
  record(2, { message: "Listening", fields: { port: 80 } }),
  record(3, { level: "error", message: "Cache is broken", fields: { requestId: "r1" } }),
];
const ids = (some: readonly LogRecord[]) => some.map(({ id }) => id);

describe("records of the log", () => {
  test("are shown from a level on", () => {
    expect(ids(filterRecords(records, "", "debug"))).toEqual([1, 2, 3]);
    expect(ids(filterRecords(records, "", "info"))).toEqual([2, 3]);
    expect(ids(filterRecords(records, "", "error"))).toEqual([3]);
  });

  test("are found by words of their message and of their fields", () => {
    expect(ids(filterRecords(records, " cache ", "debug"))).toEqual([1, 3]);
    expect(ids(filterRecords(records, "cache R1", "debug"))).toEqual([3]);
    expect(ids(filterRecords(records, "port=80", "debug"))).toEqual([2]);
    expect(ids(filterRecords(records, "nothing", "debug"))).toEqual([]);
  });

  test("say their fields in one line", () => {
    expect(detailsOf(record(1, { fields: { a: "x", b: { c: 1 }, d: null } }))).toBe(
      'a=x b={"c":1} d=null',
    );
  });
});
