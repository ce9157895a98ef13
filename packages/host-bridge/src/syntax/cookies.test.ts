import { describe, expect, it } from "vitest";
import { cookieValue } from "./cookies.js";

describe("cookieValue", () => {
  it.each([
    ["sid=1", "1"],
    ["a=b; sid=1; c=d", "1"],
    ["a=b;sid=1;c=d", "1"],
    ["a=b; \t sid= 1 ", "1"],
    ["sid=a=b", "a=b"],
    ["xsid=1; sid=2", "2"],
    ["x=sid=1; sid=2", "2"],
    ["sid=1; sid=2", "1"],
    ["sidx=1", undefined],
    ["SID=1", undefined],
    ["sid", undefined],
    ["sid=", undefined],
    ["sid=; sid=2", undefined],
    ["", undefined],
  ])("reads sid of %j as %j", (field, value) => {
    expect(cookieValue(["Host", "sid=9", "cOOKIE", field], "sid")).toBe(value);
  });

  it("looks into every Cookie field, as HTTP/2 has several", () => {
    expect(cookieValue(["cookie", "a=1", "cookie", "sid=2"], "sid")).toBe("2");
    expect(cookieValue(["cookies", "sid=2"], "sid")).toBeUndefined();
  });
});
