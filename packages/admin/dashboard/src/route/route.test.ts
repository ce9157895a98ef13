import { describe, expect, test } from "vitest";
import { overviewPath, parseRoute, pluginPath } from "./route.js";

describe("the address of a view", () => {
  test.each(["notes", "a/b", "<img src=x>", "ü ?#&%"])("leads to %s and back", (id) => {
    expect(parseRoute(pluginPath(id))).toEqual({ plugin: id });
  });

  test.each(["", "#", overviewPath, "#/plugins/", "#/plugins/%E0%A4%A", "#/other"])(
    "is the overview for %j",
    (hash) => {
      expect(parseRoute(hash)).toEqual({ plugin: undefined });
    },
  );
});
