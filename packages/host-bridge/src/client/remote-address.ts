import type { Socket } from "node:net";
import { plainIp } from "../edge/forwarded-node.js";

/**
 * The address of a socket's other end: `"ip:port"`, or empty where there is none (a unix socket).
 */
export function remoteAddressOf(socket: Socket): string {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined) {
    return "";
  }
  const ip = plainIp(remoteAddress);
  return ip.includes(":") ? `[${ip}]:${remotePort}` : `${ip}:${remotePort}`;
}

/**
 * Who is at a socket's other end: an IP address, `"unix"` for a unix socket, or empty where that is
 * not known any more.
 */
export function peerOf(socket: Socket): string {
  const { remoteAddress } = socket;
  if (remoteAddress !== undefined) {
    return plainIp(remoteAddress);
  }
  // A TCP connection that its client has reset has no remote address any more, although what the
  // client sent before can still be read. It has a local one until it is closed; a unix socket
  // never has.
  return socket.localAddress === undefined && !socket.destroyed ? "unix" : "";
}
