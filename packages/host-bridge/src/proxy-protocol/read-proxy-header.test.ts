import { describe, expect, it } from "vitest";
import { binaryHeader } from "../test-rig/proxy-headers.js";
import { readProxyHeader } from "./read-proxy-header.js";

const ipv4 = (address: string, port: number) => ({ address, port, family: "IPv4" });
const ipv6 = (address: string, port: number) => ({ address, port, family: "IPv6" });

/** Four addresses and ports as version 2 has them. */
const fourAddresses = Buffer.from("cb007107c6336401303901bb", "hex");
const sixAddresses = Buffer.from(`20010db8${"0".repeat(20)}0007${"0".repeat(31)}1303901bb`, "hex");
const tlv = Buffer.from("040003000102", "hex");

const wholeHeaders: readonly (readonly [string, Buffer, object])[] = [
  [
    "IPv4 in text",
    Buffer.from("PROXY TCP4 203.0.113.7 198.51.100.1 12345 443\r\n"),
    { kind: "address", client: ipv4("203.0.113.7", 12_345) },
  ],
  [
    "IPv6 in text",
    Buffer.from("PROXY TCP6 2001:DB8:0::7 ::1 1 65535\r\n"),
    { kind: "address", client: ipv6("2001:db8::7", 1) },
  ],
  ["UNKNOWN", Buffer.from("PROXY UNKNOWN\r\n"), { kind: "own" }],
  [
    "UNKNOWN of the greatest length",
    Buffer.from(`PROXY UNKNOWN ${"f".repeat(91)}\r\n`),
    { kind: "own" },
  ],
  [
    "IPv4 in bytes",
    binaryHeader(0x21, 0x11, fourAddresses),
    { kind: "address", client: ipv4("203.0.113.7", 12_345) },
  ],
  [
    "IPv6 in bytes",
    binaryHeader(0x21, 0x21, sixAddresses),
    { kind: "address", client: ipv6("2001:db8::7", 12_345) },
  ],
  [
    "IPv4 in IPv6",
    binaryHeader(
      0x21,
      0x21,
      Buffer.from(`${"0".repeat(20)}ffffcb007107${"0".repeat(32)}303901bb`, "hex"),
    ),
    { kind: "address", client: ipv6("::ffff:203.0.113.7", 12_345) },
  ],
  [
    "more behind the addresses",
    binaryHeader(0x21, 0x11, fourAddresses, tlv),
    { kind: "address", client: ipv4("203.0.113.7", 12_345) },
  ],
  ["a unix socket", binaryHeader(0x21, 0x31, Buffer.alloc(216, "/")), { kind: "no-address" }],
  ["LOCAL", binaryHeader(0x20, 0x00), { kind: "own" }],
  ["LOCAL with addresses", binaryHeader(0x20, 0x11, fourAddresses, tlv), { kind: "own" }],
  ["an unspecified family", binaryHeader(0x21, 0x00, tlv), { kind: "own" }],
  ["a datagram", binaryHeader(0x21, 0x12, fourAddresses), { kind: "own" }],
];

describe("a header of the PROXY protocol", () => {
  it.each(wholeHeaders)("says %s, wherever it is cut", (_name, header, said) => {
    const sent = Buffer.concat([header, Buffer.from("GET / HTTP/1.1\r\n\r\n")]);
    for (let length = 0; length < sent.length; length += 1) {
      expect(readProxyHeader(sent.subarray(0, length))).toEqual(
        length < header.length ? undefined : { bytes: header.length, ...said },
      );
    }
  });

  it.each([
    ["is missing", "GET / HTTP/1.1\r\n\r\n"],
    ["is missing", "\r\n\r\nGET"],
    ["is missing", "PROXYTCP4"],
    ["is missing", "proxy TCP4"],
    ["is missing", " PROXY TCP4"],
    ["of version 1 is malformed", "PROXY TCP4 203.0.113.7 198.51.100.1 12345\r\n"],
    ["of version 1 is malformed", "PROXY TCP4 203.0.113.7 198.51.100.1 12345 443 \r\n"],
    ["of version 1 is malformed", "PROXY  TCP4 203.0.113.7 198.51.100.1 12345 443\r\n"],
    ["of version 1 is malformed", "PROXY TCP4 203.0.113.7 198.51.100.1 65536 443\r\n"],
    ["of version 1 is malformed", "PROXY TCP4 203.0.113.7 198.51.100.1 1 99999\r\n"],
    ["of version 1 is malformed", "PROXY TCP4 203.0.113.7 198.51.100.1 -1 443\r\n"],
    ["of version 1 is malformed", "PROXY TCP4 203.0.113.07 198.51.100.1 1 443\r\n"],
    ["of version 1 is malformed", "PROXY TCP4 203.0.113.7 ::1 1 443\r\n"],
    ["of version 1 is malformed", "PROXY TCP4 ::1 ::1 1 443\r\n"],
    ["of version 1 is malformed", "PROXY TCP6 203.0.113.7 198.51.100.1 1 443\r\n"],
    ["of version 1 is malformed", "PROXY TCP6 fe80::1%eth0 ::1 1 443\r\n"],
    ["of version 1 is malformed", "PROXY TCP5 ::1 ::1 1 443\r\n"],
    ["of version 1 is malformed", "PROXY UNKNOWNS\r\n"],
    ["of version 1 is malformed", "PROXY \r\n"],
    ["of version 1 does not end within 107 bytes", `PROXY UNKNOWN ${"f".repeat(92)}\r\n`],
    ["of version 1 does not end within 107 bytes", `PROXY UNKNOWN ${"f".repeat(93)}`],
  ])("%s: %j", (reason, text) => {
    expect(readProxyHeader(Buffer.from(text))).toEqual({ kind: "fault", reason });
  });

  it.each([
    ["has an unknown version or command", binaryHeader(0x11, 0x11, fourAddresses)],
    ["has an unknown version or command", binaryHeader(0x22, 0x11, fourAddresses)],
    ["has an unknown family or transport", binaryHeader(0x21, 0x41, Buffer.alloc(216))],
    ["has an unknown family or transport", binaryHeader(0x21, 0x13, fourAddresses)],
    ["is too short for its addresses", binaryHeader(0x21, 0x11, fourAddresses.subarray(1))],
    ["is too short for its addresses", binaryHeader(0x21, 0x21, sixAddresses.subarray(1))],
    ["is too short for its addresses", binaryHeader(0x21, 0x31, Buffer.alloc(215))],
    ["has more than 4096 bytes", binaryHeader(0x21, 0x11, Buffer.alloc(4_081)).subarray(0, 16)],
    ["has more than 4096 bytes", binaryHeader(0x20, 0x00, Buffer.alloc(65_535))],
  ])("of version 2 %s (%#)", (reason, bytes) => {
    expect(readProxyHeader(bytes)).toEqual({ kind: "fault", reason: `of version 2 ${reason}` });
  });

  it("of version 2 may have 4,096 bytes", () => {
    const header = binaryHeader(0x21, 0x11, fourAddresses, Buffer.alloc(4_068));
    expect(header.length).toBe(4_096);
    expect(readProxyHeader(header)).toMatchObject({ kind: "address", bytes: 4_096 });
  });
});
