import type { Socket } from "node:net";
import { isEncrypted } from "./is-encrypted.js";

/**
 * Ends a client's connection so that no client takes what it got for complete. A response in chunks
 * lacks its last one, so the connection just closes, as Node's servers do: a reset could take with
 * it what the client has not read yet. Any other response may look complete unless the connection
 * ends by a reset, which only TCP has: TLS shows the missing close_notify, a unix socket nothing.
 *
 * @param chunked whether what has been written is the beginning of a response in chunks
 */
export function destroySocket(socket: Socket, chunked: boolean): void {
  if (!chunked && socket.remoteFamily !== undefined && !isEncrypted(socket)) {
    socket.resetAndDestroy();
    return;
  }
  // What was written in this turn goes out before.
  while (socket.writableCorked > 0) {
    socket.uncork();
  }
  socket.destroy();
}
