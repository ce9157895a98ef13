import { expect, test } from "vitest";

import { putBetweenMarkers } from "./put-between-markers.js";

test("replaces what stands between the markers and nothing else", () => {
  const text = "# Title\n\n<!-- bench:start -->\nold\n<!-- bench:end -->\n\nafter\n";
  expect(putBetweenMarkers(text, "new")).toBe(
    "# Title\n\n<!-- bench:start -->\nnew\n<!-- bench:end -->\n\nafter\n",
  );
});

test("appends the markers to a text without them, so that the next run finds them", () => {
  const once = putBetweenMarkers("# Title\n", "first");
  expect(once).toBe("# Title\n\n<!-- bench:start -->\nfirst\n<!-- bench:end -->\n");
  expect(putBetweenMarkers(once, "second")).toBe(once.replace("first", "second"));
});

test("refuses half a pair of markers", () => {
  expect(() => putBetweenMarkers("<!-- bench:end -->", "x")).toThrow(/belong together/);
  expect(() => putBetweenMarkers("<!-- bench:start -->", "x")).toThrow(/belong together/);
});
