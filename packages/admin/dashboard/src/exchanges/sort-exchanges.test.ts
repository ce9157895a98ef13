import type { OpenExchange } from "@servehttp/admin";
import { describe, expect, test } from "vitest";
import { filterExchanges, sortExchanges } from "./sort-exchanges.js";

const exchange = (id: string, more: Partial<OpenExchange>): OpenExchange => ({
  id,
  plugin: "notes",
  method: "GET",
  path: "/",
  remoteAddress: "127.0.0.1",
  startedAt: "2026-11-28T07:00:00Z",
  ageMs: 0,
  state: "unanswered",
  status: null,
  requestBytes: 0,
  responseBytes: 0,
  waitsFor: "plugin-to-write",
  ...more,
});
const exchanges = [
  exchange("a", { ageMs: 30, path: "/Slow", plugin: "mail" }),
  exchange("b", { ageMs: 20, responseBytes: 9, waitsFor: null, state: "tunnel" }),
  exchange("c", { ageMs: 10, responseBytes: 9, method: "PUT", waitsFor: "client-to-read" }),
];
const ids = (some: readonly OpenExchange[]) => some.map(({ id }) => id).join("");

describe("open exchanges", () => {
  test.each([
    ["age", true, "abc"],
    ["age", false, "cba"],
    ["plugin", false, "abc"],
    ["plugin", true, "bca"],
    ["request", false, "bca"],
    ["waits", false, "bca"],
    ["down", true, "bca"],
    ["up", true, "abc"],
  ] as const)("are sorted by %s, descending: %s", (key, isDescending, sorted) => {
    expect(ids(sortExchanges(exchanges, { key, isDescending }))).toBe(sorted);
  });

  test.each([
    ["", "abc"],
    ["slow", "a"],
    ["PUT notes", "c"],
    ["tunnel", "b"],
    ["tunnel slow", ""],
  ])("are found by %j", (text, found) => {
    expect(ids(filterExchanges(exchanges, text, undefined))).toBe(found);
  });

  test("are found by whom they wait for", () => {
    expect(ids(filterExchanges(exchanges, "", "client-to-read"))).toBe("c");
    expect(ids(filterExchanges(exchanges, "slow", "client-to-read"))).toBe("");
  });
});
