import type { Socket } from "node:net";
import { clientSilenceMsMax } from "../limits.js";

/**
 * Makes the system ask whether a silent client is still there (TCP keep-alive). One whose machine
 * or network is gone says nothing, so without this a response that has nothing to send would keep
 * its connection for ever. Leaves a socket alone whose server was told to do so itself.
 *
 * Costs nothing from the second call on: Node remembers what it has set.
 */
export function noticeDeadClient(socket: Socket): void {
  const { server } = socket as { server?: { keepAlive?: boolean } | null };
  // A server can be given streams that are no sockets, and HTTP/2 has a stream in place of a socket
  // whose connection is closed.
  if (server?.keepAlive !== true && typeof socket.setKeepAlive === "function") {
    socket.setKeepAlive(true, clientSilenceMsMax);
  }
}
