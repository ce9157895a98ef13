import { isIP, SocketAddress } from "node:net";
import { headerFault, type HeaderFault, type ProxyHeader } from "./proxy-header.js";

/** How version 1 begins. */
export const signature = Buffer.from("PROXY ", "latin1");

/** Section 2.1 of the specification: the longest line, with its end. */
const lineBytesMax = 107;

const linePattern =
  /^PROXY (?:UNKNOWN(?: .*)?|TCP(?<version>[46]) (?<source>\S+) (?<target>\S+) (?<port>\d{1,5}) (?<targetPort>\d{1,5}))$/;

/** Reads a header of version 1, a line of text. */
export function readTextHeader(bytes: Buffer): ProxyHeader | HeaderFault | undefined {
  const end = bytes.subarray(0, lineBytesMax).indexOf("\r\n", 0, "latin1");
  if (end < 0) {
    return bytes.length < lineBytesMax
      ? undefined
      : headerFault(`of version 1 does not end within ${lineBytesMax} bytes`);
  }
  const parts = linePattern.exec(bytes.toString("latin1", 0, end));
  if (parts === null) {
    return malformed;
  }
  const { version, source = "", target = "", port = "", targetPort = "" } = parts.groups ?? {};
  if (version === undefined) {
    return { kind: "own", bytes: end + 2 };
  }
  const ofVersion = version === "4" ? 4 : 6;
  const family = version === "4" ? "IPv4" : "IPv6";
  // A zone means nothing on another machine.
  const isKnown = (ip: string) => isIP(ip) === ofVersion && !ip.includes("%");
  if (!isKnown(source) || !isKnown(target) || !isPort(port) || !isPort(targetPort)) {
    return malformed;
  }
  const { address } = new SocketAddress({
    address: source,
    family: family === "IPv4" ? "ipv4" : "ipv6",
  });
  return { kind: "address", bytes: end + 2, client: { address, family, port: Number(port) } };
}

const malformed = headerFault("of version 1 is malformed");

function isPort(text: string): boolean {
  return Number(text) <= 65_535;
}
