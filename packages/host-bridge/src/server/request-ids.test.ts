import { expect, test } from "vitest";
import { RequestIds } from "./request-ids.js";

test("counts to the base of 36 behind a part that is the host's own", () => {
  const ids = new RequestIds();
  const names = Array.from({ length: 2 * 36 ** 3 }, () => ids.next());
  const hosts = new Set(names.map((name) => name.slice(0, 9)));

  expect(names.map((name) => name.slice(9))).toEqual(
    names.map((_, index) => (index + 1).toString(36)),
  );
  expect(hosts.size).toBe(1);
  expect([...hosts][0]).toMatch(/^[\w-]{8}-$/);
});

test("names of two hosts differ", () => {
  expect(new RequestIds().next()).not.toBe(new RequestIds().next());
});
