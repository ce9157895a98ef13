import { describe, expect, it } from "vitest";
import { TrustedProxies } from "./trusted-proxies.js";

describe("TrustedProxies", () => {
  it("knows addresses and ranges of both versions", () => {
    const proxies = new TrustedProxies(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
    const peers = ["10.1.2.3", "192.0.2.7", "2001:db8::1"];
    const others = ["192.0.2.8", "2001:db9::1", "", "x", "unix"];
    for (const method of ["has", "hasPeer", "hasPeer"] as const) {
      expect(peers.map((peer) => proxies[method](peer))).toEqual([true, true, true]);
      expect(others.map((peer) => proxies[method](peer))).toEqual(others.map(() => false));
    }
  });

  it("E8: knows who has connected to a unix socket", () => {
    const proxies = new TrustedProxies(["unix"]);
    expect(["unix", "", "127.0.0.1"].map((peer) => proxies.hasPeer(peer))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("trusts nobody without ranges", () => {
    expect(new TrustedProxies([]).hasPeer("127.0.0.1")).toBe(false);
  });

  it("keeps its answers right when more clients come than it remembers", () => {
    const proxies = new TrustedProxies(["10.0.0.0/24"]);
    for (let number = 0; number < 3_000; number++) {
      const ip = `10.0.${number >> 8}.${number & 255}`;
      expect(proxies.hasPeer(ip)).toBe(number < 256);
    }
  });

  it.each([
    "",
    "localhost",
    "UNIX",
    "unix:",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/-1",
    "::1/129",
    "10.0.0/8",
  ])("refuses %j by name", (range) => {
    expect(() => new TrustedProxies([range])).toThrow(
      expect.objectContaining({
        code: "invalid-argument",
        message: expect.stringContaining("edge.trustedProxies"),
      }),
    );
  });
});
