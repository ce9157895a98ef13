import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/**
 * Takes the connection of an HTTP/1 request, whose message has been read, away from Node's HTTP server, as Go's `Hijacker`
 * does: from here on its bytes are nobody's but the client's of this function. For a request that came by an `upgrade`
 * event Node has done so itself.
 *
 * The response stays assigned to the socket and unfinished. So the server counts the connection as busy, and neither
 * `closeIdleConnections` nor its time-outs end it.
 */
export function detachSocket(response: ServerResponse): Socket | undefined {
  const { socket } = response;
  if (socket === null || socket.destroyed) {
    return undefined;
  }
  // Node's parser reads the socket below JavaScript until somebody listens for data. To pause before would stop the
  // reading for good: the stream believes that a read is under way.
  socket.on("data", ignore);
  socket.pause();
  for (const event of ["data", "end", "drain", "timeout", "readable"] as const) {
    socket.removeAllListeners(event);
  }
  socket.setTimeout(0);
  // Which it is by HTTP, and not by HTTPS.
  socket.allowHalfOpen = true;
  return socket;
}

function ignore(): void {
  // Only its being there matters.
}
