import type { Socket } from "node:net";
import type { ClientAddress } from "./proxy-header.js";

/** Of Node's: where TLS over a socket asks for its addresses. */
interface SocketHandle {
  getpeername?: (into: object) => number;
}

/**
 * Makes a connection say that it is a client's: in `remoteAddress`, `remoteFamily` and
 * `remotePort`, and in those of a `TLSSocket` that is made of it.
 *
 * @param client undefined where it has no IP address
 */
export function setClientAddress(socket: Socket, client: ClientAddress | undefined): void {
  Object.defineProperties(socket, {
    remoteAddress: constant(client?.address),
    remoteFamily: constant(client?.family),
    remotePort: constant(client?.port),
  });
  const { _handle: handle } = socket as unknown as { _handle?: SocketHandle | null };
  if (handle !== undefined && handle !== null) {
    handle.getpeername = (into) => {
      Object.assign(into, client);
      return 0;
    };
  }
}

function constant(value: unknown): PropertyDescriptor {
  return { value, configurable: true, enumerable: false, writable: false };
}
