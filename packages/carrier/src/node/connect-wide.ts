import { connect, type IpcNetConnectOpts, type Socket, type TcpNetConnectOpts } from "node:net";
import { ReadBuffers } from "./read-buffers.js";

/** Where a socket connects to. */
type Where = Pick<IpcNetConnectOpts, "path"> | Pick<TcpNetConnectOpts, "host" | "port">;

/**
 * Begins a connection that reads as `ReadBuffers` says. It emits `data` as other sockets do; it has
 * no other way of being read. Whoever keeps what it emits behind the event counts it (`noteView`).
 */
export function connectWide(where: Where): Socket {
  const buffers = new ReadBuffers();
  const socket: Socket = connect({
    ...where,
    onread: {
      buffer: () => buffers.next(),
      callback: (bytes) => socket.emit("data", buffers.take(bytes)),
    },
  });
  return socket;
}
