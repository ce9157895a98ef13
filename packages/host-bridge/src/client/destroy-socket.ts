import type { Socket } from "node:net";
import { isEncrypted } from "./is-encrypted.js";

/**
 * Ends a client's connection so that no client takes what it got for complete. A response that ends
 * with its connection looks complete unless the connection ends by a reset, which only TCP has: TLS
 * shows the missing close_notify, a unix socket nothing.
 */
export function destroySocket(socket: Socket): void {
  if (socket.remoteFamily !== undefined && !isEncrypted(socket)) {
    socket.resetAndDestroy();
  } else {
    socket.destroy();
  }
}
