import { SocketAddress } from "node:net";
import { proxyHeaderBytesMax } from "../limits.js";
import { headerFault, type HeaderFault, type ProxyHeader } from "./proxy-header.js";

/** How version 2 begins. */
export const signature = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");

/** The signature, version and command, family and transport, and the length of what follows. */
const fixedBytes = 16;

/** Bytes that the addresses of a family take, by its number. */
const addressBytes = [0, 12, 36, 216] as const;

/**
 * Reads a header of version 2. What follows the addresses says nothing that a host needs, and is
 * skipped.
 */
export function readBinaryHeader(bytes: Buffer): ProxyHeader | HeaderFault | undefined {
  if (bytes.length < fixedBytes) {
    return undefined;
  }
  const versionAndCommand = bytes.readUInt8(12);
  const family = bytes.readUInt8(13) >> 4;
  const transport = bytes.readUInt8(13) & 0x0f;
  const rest = bytes.readUInt16BE(14);
  const end = fixedBytes + rest;
  const needed = addressBytes[family];
  // Section 2.2 of the specification wants these connections closed.
  if (versionAndCommand !== local && versionAndCommand !== proxied) {
    return headerFault("of version 2 has an unknown version or command");
  }
  if (needed === undefined || transport > datagram) {
    return headerFault("of version 2 has an unknown family or transport");
  }
  if (end > proxyHeaderBytesMax) {
    return headerFault(`of version 2 has more than ${proxyHeaderBytesMax} bytes`);
  }
  if (versionAndCommand === proxied && rest < needed) {
    return headerFault("of version 2 is too short for its addresses");
  }
  if (bytes.length < end) {
    return undefined;
  }
  // A datagram has no connection, so its address can't be that of this one's client.
  if (versionAndCommand === local || transport !== stream) {
    return { kind: "own", bytes: end };
  }
  switch (family) {
    case ipv4:
      return {
        kind: "address",
        bytes: end,
        client: {
          address: bytes.subarray(16, 20).join("."),
          family: "IPv4",
          port: bytes.readUInt16BE(24),
        },
      };
    case ipv6:
      return {
        kind: "address",
        bytes: end,
        client: {
          address: ipv6Text(bytes.subarray(16, 32)),
          family: "IPv6",
          port: bytes.readUInt16BE(48),
        },
      };
    case unix:
      return { kind: "no-address", bytes: end };
    default:
      return { kind: "own", bytes: end };
  }
}

const local = 0x20;
const proxied = 0x21;
const ipv4 = 1;
const ipv6 = 2;
const unix = 3;
const stream = 1;
const datagram = 2;

function ipv6Text(bytes: Buffer): string {
  const groups = bytes.toString("hex").match(/.{4}/g) ?? [];
  return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address;
}
