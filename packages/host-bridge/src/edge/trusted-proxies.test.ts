import { describe, expect, it } from "vitest";
import { trustedProxies } from "./trusted-proxies.js";

describe("trustedProxies", () => {
  it("knows addresses and ranges of both versions", () => {
    const isTrusted = trustedProxies(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
    const answers = ["10.1.2.3", "192.0.2.7", "192.0.2.8", "2001:db8::1", "2001:db9::1", "", "x"];
    expect(answers.map(isTrusted)).toEqual([true, true, false, true, false, false, false]);
    expect(isTrusted("10.1.2.3")).toBe(true);
  });

  it("trusts nobody without ranges", () => {
    expect(trustedProxies([])("127.0.0.1")).toBe(false);
  });

  it("keeps its answers right when more clients come than it remembers", () => {
    const isTrusted = trustedProxies(["10.0.0.0/24"]);
    for (let number = 0; number < 3_000; number++) {
      const ip = `10.0.${number >> 8}.${number & 255}`;
      expect(isTrusted(ip)).toBe(number < 256);
    }
  });

  it.each(["", "localhost", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::1/129", "10.0.0/8"])(
    "refuses %j by name",
    (range) => {
      expect(() => trustedProxies([range])).toThrow(
        expect.objectContaining({
          code: "invalid-argument",
          message: expect.stringContaining("edge.trustedProxies"),
        }),
      );
    },
  );
});
