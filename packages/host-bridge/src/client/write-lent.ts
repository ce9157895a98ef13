import type { Socket } from "node:net";
import { isLent, returnView } from "@servehttp/carrier";

/**
 * Writes bytes that may lie in memory of the carrier's, which hears when they are written. Returns
 * whether there is room for more.
 */
export function writeLent(socket: Socket, bytes: Uint8Array): boolean {
  if (!isLent(bytes)) {
    return socket.write(bytes);
  }
  return socket.write(bytes, (error) => {
    if (error === null || error === undefined) {
      returnView(bytes);
    }
  });
}
