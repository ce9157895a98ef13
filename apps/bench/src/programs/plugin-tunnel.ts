/**
 * The far end of the raw relay: the bench's tunnel on a plain server of `node:net`. Arguments: the
 * path of a unix socket.
 */
import { createServer, type Socket } from "node:net";

import { announce } from "./announce.js";
import { serveTunnel } from "./serve-tunnel.js";

const headEnd = "\r\n\r\n";

const server = createServer({ allowHalfOpen: true }, (socket) => {
  let request = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    request = Buffer.concat([request, chunk]);
    const end = request.indexOf(headEnd);
    if (end !== -1) {
      socket.off("data", onData);
      answer(socket, request.toString("latin1", 0, end), request.subarray(end + headEnd.length));
    }
  };
  socket.on("data", onData);
});
announce(server, process.argv[2]);

function answer(socket: Socket, head: string, first: Buffer): void {
  const [, url = ""] = head.split(" ", 2);
  serveTunnel(socket, first, url).catch(() => socket.destroy());
}
