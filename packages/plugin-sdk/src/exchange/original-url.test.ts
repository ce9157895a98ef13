import { describe, expect, it } from "vitest";
import { originalUrlOf } from "./original-url.js";

const mounted = { basePath: "/app/plugins/x", fullPath: false };

describe("originalUrlOf", () => {
  it.each([
    ["/a?b", "/plugins/x/a?b", "/app/plugins/x/a?b"],
    ["/", "/plugins/x/", "/app/plugins/x/"],
    ["/", "/plugins/x", "/app/plugins/x"],
    ["/?a=/", "/plugins/x?a=/", "/app/plugins/x?a=/"],
    ["/?a", "/plugins/x/?a", "/app/plugins/x/?a"],
    ["/", "http://h/plugins/x", "/app/plugins/x"],
    ["/app/plugins/x/", "/plugins/x/app/plugins/x/", "/app/plugins/x/app/plugins/x/"],
  ])("makes of %s, which was %s at the host, %s", (url, requestUri, expected) => {
    expect(originalUrlOf({ ...mounted, url, requestUri })).toBe(expected);
  });

  it.each(["/app/plugins/x", "/app/plugins/x/y"])("leaves the whole path %s alone", (url) => {
    expect(originalUrlOf({ ...mounted, url, requestUri: "/", fullPath: true })).toBe(url);
  });

  it("leaves the url of a plugin at the root alone", () => {
    const target = { basePath: "", fullPath: false, url: "/", requestUri: "http://notes.test" };
    expect(originalUrlOf(target)).toBe("/");
  });
});
