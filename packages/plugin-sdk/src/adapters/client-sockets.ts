import { clientOf } from "../exchange/client-socket.js";
import type { PluginRequest } from "../handler/plugin-request.js";
import { clientSocketsMax } from "../limits.js";
import { NodeSocket } from "./node-socket.js";

/**
 * The sockets of the clients of one server. Requests that follow each other on an HTTP/1 connection
 * get the same socket, as from a server of Node's: what middleware keeps for a connection is found
 * again, and `close` comes once. Nobody tells a plugin that a connection has closed on which no
 * request was running, so a socket without a request is closed after `clientSocketIdleMs`.
 */
export class ClientSockets {
  readonly #highWaterMark: number | undefined;
  /** By the id of the connection. */
  readonly #kept = new Map<string, NodeSocket>();

  /** @param highWaterMark of the sockets, in bytes; undefined for that of streams */
  constructor(highWaterMark: number | undefined) {
    this.#highWaterMark = highWaterMark;
  }

  /** The socket for a request: that of its connection, unless another request has that just now. */
  socketFor(request: PluginRequest): NodeSocket {
    // Requests of an HTTP/2 connection overlap, and Node's classes serve one at a time.
    const id = request.protocolMajor === 1 ? request.connectionId : undefined;
    const kept = id === undefined ? undefined : this.#kept.get(id);
    if (kept?.serving === false) {
      return kept;
    }
    const client = clientOf(request.remoteAddress, request.scheme);
    if (id === undefined || kept !== undefined || this.#kept.size >= clientSocketsMax) {
      return new NodeSocket(client, this.#highWaterMark);
    }
    const socket = new NodeSocket(client, this.#highWaterMark, () => this.#kept.delete(id));
    this.#kept.set(id, socket);
    return socket;
  }
}
