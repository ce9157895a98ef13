import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Takes the connection of an HTTP/1 request that has been read away from Node's HTTP server, as
 * Go's `Hijacker` does: from here on nobody but the caller of this function reads from it or writes
 * to it. Where a request came by an `upgrade` event, Node has done so itself.
 *
 * The response stays assigned to the socket and unfinished, so that the server counts the
 * connection as busy: neither `closeIdleConnections` nor the server's time-outs end it.
 */
export function detachSocket(response: ServerResponse): Socket | undefined {
  const { socket } = response;
  if (socket === null || socket.destroyed) {
    return undefined;
  }
  detachFromServer(socket);
  return socket;
}

/** Makes Node's HTTP server neither read a socket any more nor time it. */
export function detachFromServer(socket: Socket): void {
  // Node's parser reads the socket below JavaScript until there is a listener for data. Pausing
  // before would stop the reading for good, because the stream believes that a read is under way.
  socket.on("data", ignore);
  socket.pause();
  for (const event of ["data", "end", "drain", "timeout", "readable"] as const) {
    socket.removeAllListeners(event);
  }
  socket.setTimeout(0);
  // Node's HTTP server has set it, its HTTPS server has not.
  socket.allowHalfOpen = true;
}

function ignore(): void {
  // Only that there is a listener matters.
}
