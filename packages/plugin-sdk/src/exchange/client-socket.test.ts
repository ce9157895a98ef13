import { describe, expect, it } from "vitest";
import { clientOf } from "./client-socket.js";

describe("callerOf", () => {
  it("takes addresses apart", () => {
    expect(clientOf("192.0.2.1:80", "http")).toEqual({
      address: "192.0.2.1",
      port: 80,
      family: "IPv4",
      encrypted: false,
    });
    expect(clientOf("[2001:db8::1]:443", "https")).toEqual({
      address: "2001:db8::1",
      port: 443,
      family: "IPv6",
      encrypted: true,
    });
    expect(clientOf("", "http").address).toBeUndefined();
  });
});
