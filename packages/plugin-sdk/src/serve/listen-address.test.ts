import { ServeHTTPError } from "@servehttp/contract";
import { describe, expect, it } from "vitest";
import { formatListenAddress, parseListenAddress } from "./listen-address.js";

describe("parseListenAddress", () => {
  it.each([
    ["unix:/run/notes.sock", { path: "/run/notes.sock" }],
    ["unix:notes.sock", { path: "notes.sock" }],
    ["unix:/with space/and:colon:1", { path: "/with space/and:colon:1" }],
    ["127.0.0.1:0", { host: "127.0.0.1", port: 0 }],
    ["0.0.0.0:65535", { host: "0.0.0.0", port: 65_535 }],
    ["localhost:8080", { host: "localhost", port: 8_080 }],
    ["plugin-1.example.org:50051", { host: "plugin-1.example.org", port: 50_051 }],
    ["[::1]:0", { host: "::1", port: 0 }],
    ["[2001:db8::7]:443", { host: "2001:db8::7", port: 443 }],
  ])("reads %j, and writes it as it was", (text, address) => {
    expect(parseListenAddress(text)).toEqual(address);
    expect(formatListenAddress(address)).toBe(text);
  });

  it.each([
    "",
    " ",
    "unix:",
    "unix:/a\0b",
    "8080",
    ":8080",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:-1",
    "127.0.0.1:+1",
    "127.0.0.1:1e3",
    "127.0.0.1:0x50",
    "127.0.0.1:65536",
    "127.0.0.1:99999999999",
    "127.0.0.1:80 ",
    " 127.0.0.1:80",
    "127.0.0.1:80\n",
    "127.0.0.1:80:90",
    "256.0.0.1:80",
    "1.2.3:80",
    "::1",
    "::1:80",
    "[::1]",
    "[::1]80",
    "[]:80",
    "[127.0.0.1]:80",
    "[localhost]:80",
    "[::1:80",
    "::1]:80",
    "http://127.0.0.1:80",
    "127.0.0.1:80/path",
    "/run/notes.sock",
    "-:80",
    "a b:80",
  ])("refuses %j in one line that repeats it and says what is allowed", (text) => {
    let thrown: unknown;
    try {
      parseListenAddress(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ServeHTTPError);
    const { code, message } = thrown as ServeHTTPError;
    expect(code).toBe("invalid-argument");
    expect(message).toBe(
      `the address ${JSON.stringify(text)} is neither "unix:/path" nor "HOST:PORT" (IPv6 as "[::1]:PORT", port 0 for a free one)`,
    );
    expect(message).not.toContain("\n");
  });
});
