import type { Socket } from "node:net";

/**
 * Ends a client's connection so that nobody takes what it got for complete. A response that ends with its connection looks complete
 * unless the connection ends by a reset, which only TCP has: TLS shows the missing close_notify, and a unix socket nothing.
 */
export function destroySocket(socket: Socket): void {
  if (socket.remoteFamily !== undefined && !("encrypted" in socket)) {
    socket.resetAndDestroy();
  } else {
    socket.destroy();
  }
}
