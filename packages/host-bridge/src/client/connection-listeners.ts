import type { Socket } from "node:net";
import type { NodeServer } from "./node-types.js";

export type ConnectionListener = (socket: Socket) => void;

/** Listeners that don't touch what a connection carries. */
const watchers = new WeakSet<ConnectionListener>();

/**
 * Calls back for each new connection of a server, as a listener of `connection` does, and leaves the
 * host's fast path on, which such a listener would switch off. For whoever counts connections, or
 * ends them with the process: a watcher must not read from a socket, write to it, or look for the
 * request that Node serves on it.
 *
 * ```ts
 * const sockets = new Set<Socket>();
 * watchConnections(server, (socket) => {
 *   sockets.add(socket);
 *   socket.once("close", () => sockets.delete(socket));
 * });
 * ```
 */
export function watchConnections(server: NodeServer, watcher: (socket: Socket) => void): void {
  watchers.add(watcher);
  server.on("connection", watcher);
}

/** The listeners of servers whose connections somebody reads before these may. */
const deferred = new WeakMap<NodeServer, ConnectionListener[]>();

/**
 * Puts a listener in front of all that a server has for its connections. They get a connection when
 * that listener passes it on.
 */
export function deferConnections(
  server: NodeServer,
  first: (socket: Socket, passOn: () => void) => void,
): void {
  const listeners = readersAmong(server.rawListeners("connection"));
  deferred.set(server, listeners);
  for (const listener of listeners) {
    server.off("connection", listener);
  }
  server.on("connection", (socket: Socket) => {
    first(socket, () => {
      for (const listener of deferred.get(server) ?? []) {
        listener.call(server, socket);
      }
    });
  });
}

/** Whether `deferConnections` was called for a server. */
export function defersConnections(server: NodeServer): boolean {
  return deferred.has(server);
}

/** What gets a server's connections: whether at once or later, in this order. */
export function connectionListeners(
  server: NodeServer,
  event: "connection" | "secureConnection",
): readonly ConnectionListener[] {
  const later = event === "connection" ? deferred.get(server) : undefined;
  return later ?? (server.rawListeners(event) as ConnectionListener[]);
}

/** Whether one listener gets a server's connections, and no other but watchers sees them. */
export function hasOneConnectionListener(
  server: NodeServer,
  event: "connection" | "secureConnection",
): boolean {
  return (
    readersAmong(server.rawListeners(event)).length === 1 &&
    readersAmong(connectionListeners(server, event)).length === 1
  );
}

function readersAmong(listeners: readonly unknown[]): ConnectionListener[] {
  return (listeners as ConnectionListener[]).filter((listener) => !watchers.has(listener));
}

/** Puts a listener in the place of another, so that the order of the listeners stays. */
export function replaceConnectionListener(
  server: NodeServer,
  event: "connection" | "secureConnection",
  before: unknown,
  listener: ConnectionListener,
): void {
  const all = connectionListeners(server, event).map((one) => (one === before ? listener : one));
  if (event === "connection" && deferred.has(server)) {
    deferred.set(server, all);
    return;
  }
  server.removeAllListeners(event);
  for (const one of all) {
    server.on(event, one);
  }
}
