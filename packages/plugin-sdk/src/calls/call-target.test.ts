import { expect, it } from "vitest";
import { callTarget } from "./call-target.js";

it.each([
  ["/", "/search/"],
  ["/query?q=x&y=%2F", "/search/query?q=x&y=%2F"],
  ["/a b?c d", "/search/a%20b?c%20d"],
  ["/é/𝄞", "/search/%C3%A9/%F0%9D%84%9E"],
  ["/x#fragment", "/search/x"],
  ["/../other/%2e%2e/x", "/search/../other/%2e%2e/x"],
  ["/x\r\nHost: y", "/search/x%0D%0AHost:%20y"],
])("makes a target of the path %j without reading it", (path, target) => {
  expect(callTarget("search", path)).toBe(target);
});

it("refuses a path that does not begin with a slash, and an id that no plugin can have", () => {
  expect(() => callTarget("search", "query")).toThrow('the path is "query": it has to begin with');
  expect(() => callTarget("search", "")).toThrow('the path is "": it has to begin with');
  for (const id of ["", "a/b", "..", ".", "a?b", "x".repeat(129), 7 as unknown as string]) {
    expect(() => callTarget(id, "/")).toThrow("the id of the plugin is");
  }
});
