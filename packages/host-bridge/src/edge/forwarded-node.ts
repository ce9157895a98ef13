import { isIP } from "node:net";

/** Whoever sent a request on, as a proxy names it. */
export interface ForwardedNode {
  /** Its IP address; `"unix"` for a unix socket; empty where the proxy says that it is unknown. */
  readonly peer: string;
  /** `"ip:port"` with port 0 where the proxy named none; empty where there is no address. */
  readonly remoteAddress: string;
}

export const unknownNode: ForwardedNode = { peer: "", remoteAddress: "" };

const unixNode: ForwardedNode = { peer: "unix", remoteAddress: "" };

/** The longest is an IPv6 address in brackets with a port. */
const nodeCharactersMax = 64;

/**
 * Reads an element of X-Forwarded-For, or a node of Forwarded (RFC 7239, section 6). Anything but
 * an address counts as unknown: a name or an obfuscated identifier says nothing that could be
 * checked.
 */
export function readForwardedNode(text: string): ForwardedNode {
  if (text.length > nodeCharactersMax) {
    return unknownNode;
  }
  if (text === "unix:") {
    // What nginx knows of a client that came by a unix socket.
    return unixNode;
  }
  const parts = nodePattern.exec(text)?.groups;
  if (parts === undefined) {
    return nodeAt(text, "0");
  }
  return nodeAt(parts["v6"] ?? parts["v4"] ?? "", parts["port"] ?? "0");
}

/** An IPv4 address with a port, or an IPv6 address in brackets. A port may be obfuscated. */
const nodePattern =
  /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<v4>[0-9.]+))(?::(?:(?<port>[0-9]{1,5})|_[\w.-]+))?$/;

function nodeAt(address: string, port: string): ForwardedNode {
  const ip = plainIp(address);
  // A zone means nothing on another machine.
  const version = ip.includes("%") ? 0 : isIP(ip);
  if (version === 0 || Number(port) > 65_535) {
    return unknownNode;
  }
  const number = Number(port);
  return { peer: ip, remoteAddress: version === 6 ? `[${ip}]:${number}` : `${ip}:${number}` };
}

/**
 * Writes an IPv4 address that a socket for both versions of IP shows as "::ffff:192.0.2.1" without
 * its prefix.
 */
export function plainIp(ip: string): string {
  return ip.startsWith("::ffff:") && ip.includes(".") ? ip.slice(7) : ip;
}
