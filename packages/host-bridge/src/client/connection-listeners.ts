import type { Socket } from "node:net";
import type { NodeServer } from "./node-types.js";

export type ConnectionListener = (socket: Socket) => void;

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
  const listeners = server.rawListeners("connection") as ConnectionListener[];
  deferred.set(server, listeners);
  server.removeAllListeners("connection");
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

/** Whether one listener gets a server's connections, and no other sees them. */
export function hasOneConnectionListener(
  server: NodeServer,
  event: "connection" | "secureConnection",
): boolean {
  return server.listenerCount(event) === 1 && connectionListeners(server, event).length === 1;
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
