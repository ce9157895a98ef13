import { describe, expect, it } from "vitest";
import { addressText, parseListenAddress } from "./listen-address.js";

describe("parseListenAddress", () => {
  it.each([
    ["127.0.0.1:8080", { kind: "tcp", host: "127.0.0.1", port: 8_080 }],
    ["localhost:0", { kind: "tcp", host: "localhost", port: 0 }],
    ["[::1]:8080", { kind: "tcp", host: "::1", port: 8_080 }],
    [":8080", { kind: "tcp", host: "::", port: 8_080 }],
    ["*:8080", { kind: "tcp", host: "::", port: 8_080 }],
    ["8080", { kind: "tcp", host: "localhost", port: 8_080 }],
    ["unix:/run/notes.sock", { kind: "unix", path: "/run/notes.sock" }],
    ["fd:3", { kind: "fd", fd: 3 }],
  ])("reads %s", (text, address) => {
    expect(parseListenAddress(text, "localhost")).toEqual(address);
  });

  it.each([
    "",
    "localhost",
    "a:b",
    "127.0.0.1:65536",
    "unix:",
    "unix:/a\0b",
    "fd:",
    "fd:-1",
    "::1:8080",
  ])("takes %j for none", (text) => {
    expect(parseListenAddress(text, "localhost")).toBeUndefined();
  });
});

describe("addressText", () => {
  it.each(["127.0.0.1:8080", "[::1]:8080", "unix:/run/notes.sock", "fd:3"])("writes %s", (text) => {
    const address = parseListenAddress(text, "localhost");
    expect(address === undefined ? "" : addressText(address)).toBe(text);
  });
});
