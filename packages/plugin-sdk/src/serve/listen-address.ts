import { isIP, isIPv6 } from "node:net";
import type { ListenAddress } from "@servehttp/carrier";
import { ServeHTTPError } from "@servehttp/contract";

/**
 * Reads an address of a plugin: `unix:/path/to/socket`, or `HOST:PORT`, where the host is a name or
 * an IP address (IPv6 in brackets) and port 0 stands for a free one.
 *
 * @throws ServeHTTPError `invalid-argument`, with what was given and what is allowed
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, path] = /^unix:([^\0]+)$/.exec(text) ?? [];
  if (path !== undefined) {
    return { path };
  }
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^[\]:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? "";
  const port = Number(digits);
  if (port <= portMax && (bracketed === undefined ? isHost(host) : isIPv6(host))) {
    return { host, port };
  }
  throw new ServeHTTPError(
    "invalid-argument",
    `the address ${JSON.stringify(text)} is neither "unix:/path" nor "HOST:PORT" (IPv6 as "[::1]:PORT", port 0 for a free one)`,
  );
}

/** The address as `parseListenAddress` takes it and hosts write it. */
export function formatListenAddress(address: ListenAddress): string {
  if ("path" in address) {
    return `unix:${address.path}`;
  }
  return `${isIPv6(address.host) ? `[${address.host}]` : address.host}:${address.port}`;
}

const portMax = 65_535;

/** Whether it is an IPv4 address or a name. Digits and dots alone are meant to be an address. */
function isHost(text: string): boolean {
  return isIP(text) !== 0 || (!/^[\d.]+$/.test(text) && /^[A-Za-z0-9][A-Za-z0-9.-]*$/.test(text));
}
