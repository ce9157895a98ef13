import { isIP } from "node:net";
import type { ListenAddress } from "@servehttp/carrier";
import { ServeHTTPError } from "@servehttp/contract";

/**
 * Reads an address as plugins are given it: `unix:/path/to/socket`, or `127.0.0.1:PORT` (any IP address or host name; port 0
 * has one chosen; IPv6 in brackets).
 *
 * @throws ServeHTTPError `invalid-argument`, with what was given and what is allowed.
 */
export function parseListenAddress(text: string): ListenAddress {
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length);
    if (path !== "") {
      return { path };
    }
  }
  const colon = text.lastIndexOf(":");
  const port = Number(text.slice(colon + 1));
  const host = text.slice(0, Math.max(colon, 0)).replace(/^\[(.*)\]$/, "$1");
  const hostAllowed = isIP(host) !== 0 || /^[A-Za-z0-9.-]+$/.test(host);
  if (colon > 0 && /^\d{1,5}$/.test(text.slice(colon + 1)) && port <= 65_535 && hostAllowed) {
    return { host, port };
  }
  throw new ServeHTTPError(
    "invalid-argument",
    `the address ${JSON.stringify(text)} is neither "unix:/path" nor "HOST:PORT"`,
  );
}

/** The address as `parseListenAddress` takes it and hosts write it. */
export function formatListenAddress(address: ListenAddress): string {
  if ("path" in address) {
    return `unix:${address.path}`;
  }
  return `${isIP(address.host) === 6 ? `[${address.host}]` : address.host}:${address.port}`;
}
