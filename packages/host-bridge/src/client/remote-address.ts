import type { Socket } from "node:net";

/**
 * The address of a socket's other end: `"ip:port"`, or empty where there is none (a unix socket).
 */
export function remoteAddressOf(socket: Socket): string {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined) {
    return "";
  }
  // What a socket for both versions of IP shows of an IPv4 client.
  const ip = remoteAddress.startsWith("::ffff:") ? remoteAddress.slice(7) : remoteAddress;
  return ip.includes(":") ? `[${ip}]:${remotePort}` : `${ip}:${remotePort}`;
}
