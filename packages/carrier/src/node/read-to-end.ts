import type { Socket } from "node:net";

/**
 * Lets a socket read everything that its peer sent before it closed. Node drops what has come and is
 * not read yet with the first write that fails: a server that answers its last requests and goes
 * would lose answers by whatever is written to it meanwhile, be it a WINDOW_UPDATE. What can't be
 * written is lost either way; the end of what is read tells that the connection is gone.
 */
export function readToEnd(socket: Socket): Socket {
  const write = socket._write.bind(socket);
  const writev = socket._writev?.bind(socket);
  socket._write = (chunk, encoding, settle) => write(chunk, encoding, unlessPeerClosed(settle));
  if (writev !== undefined) {
    socket._writev = (chunks, settle) => writev(chunks, unlessPeerClosed(settle));
  }
  return socket;
}

type Settle = (error?: Error | null) => void;

function unlessPeerClosed(settle: Settle): Settle {
  return (error) => settle(error && "code" in error && error.code === "EPIPE" ? null : error);
}
