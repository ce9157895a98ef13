import http, { IncomingMessage, Server, ServerResponse } from "node:http";
import { Server as SecureServer } from "node:https";
import { Socket } from "node:net";
import {
  connectionListeners,
  hasOneConnectionListener,
  replaceConnectionListener,
} from "../client/connection-listeners.js";
import { isNode } from "../client/is-node.js";
import type { NodeServer } from "../client/node-types.js";
import { fastPathFieldsMax, fastPathHeadBytesMax } from "../limits.js";
import { FastPath } from "./fast-path.js";
import type { FastPathRequest } from "./request.js";

/** What a fast path needs of a host. */
export interface FastPathHost {
  /** Serves a request; false, with nothing done, where Node's server has to. */
  readonly admitPlain: (request: FastPathRequest) => boolean;
  /** Called for a defect; the connection on which it happened is closed. */
  readonly onFastPathError: (error: unknown) => void;
}

type ConnectionListener = (this: Server, socket: Socket) => void;

/**
 * Puts a fast path for plain requests in front of the listener by which a server of Node's reads
 * its connections. Does nothing where the server is not as this file knows it: then Node goes on
 * reading all requests.
 */
export function installFastPath(
  server: NodeServer,
  host: FastPathHost,
  requestListener: unknown,
): void {
  const event = server instanceof SecureServer ? "secureConnection" : "connection";
  const { _connectionListener: nodeListener } = http as {
    _connectionListener?: ConnectionListener;
  };
  // On Deno 2.9, a server that is handed a connection of which something has been read answers some
  // of its requests with 400.
  if (
    !isNode ||
    !(server instanceof Server || server instanceof SecureServer) ||
    nodeListener === undefined ||
    !connectionListeners(server, event).includes(nodeListener) ||
    hasOwnMessages(server)
  ) {
    return;
  }
  const passToNode = (socket: Socket): void => nodeListener.call(server, socket);
  const { maxHeaderSize = http.maxHeaderSize } = server as { maxHeaderSize?: number };
  const headBytesMax = Math.min(fastPathHeadBytesMax, maxHeaderSize - 1);
  const fastPath = new FastPath({
    server,
    passToNode,
    requestListener,
    admit: host.admitPlain,
    onError: host.onFastPathError,
    limits: { headBytesMax, fieldsMax: fastPathFieldsMax },
  });
  fastPaths.set(server, fastPath);
  const listener = (socket: Socket): void => {
    if (isPlainServer(server, event) && isFresh(socket) && fastPath.open) {
      fastPath.take(socket);
    } else {
      passToNode(socket);
    }
  };
  replaceConnectionListener(server, event, nodeListener, listener);
  closeWith(server, fastPath);
}

/** The fast path of a server that has one. For tests. */
export function fastPathOf(server: NodeServer): FastPath | undefined {
  return fastPaths.get(server);
}

const fastPaths = new WeakMap<NodeServer, FastPath>();

/**
 * Whether a server has no option that a fast path can't honour, and nobody else listens to its
 * connections.
 */
function isPlainServer(server: Server, event: "connection" | "secureConnection"): boolean {
  const { httpAllowHalfOpen, httpValidation, insecureHTTPParser } = server as {
    httpAllowHalfOpen?: boolean;
    httpValidation?: string;
    insecureHTTPParser?: boolean;
  };
  const { maxHeadersCount } = server;
  return (
    hasOneConnectionListener(server, event) &&
    hasOneConnectionListener(server, "connection") &&
    httpAllowHalfOpen !== true &&
    insecureHTTPParser !== true &&
    (httpValidation === undefined || httpValidation === "strict") &&
    (!maxHeadersCount || maxHeadersCount > fastPathFieldsMax)
  );
}

/**
 * Whether nobody has begun to read a socket: a server can be given used ones, and streams that are
 * no sockets.
 */
function isFresh(socket: Socket): boolean {
  return (
    socket instanceof Socket &&
    socket.readableFlowing === null &&
    socket.readableEncoding === null &&
    socket.listenerCount("data") === 0 &&
    socket.listenerCount("readable") === 0
  );
}

/**
 * Whether the application gave `createServer` an `IncomingMessage` or a `ServerResponse` of its
 * own.
 */
function hasOwnMessages(server: Server): boolean {
  const known = new Map<string | undefined, unknown>([
    ["IncomingMessage", IncomingMessage],
    ["ServerResponse", ServerResponse],
  ]);
  let found = 0;
  for (const symbol of Object.getOwnPropertySymbols(server)) {
    const expected = known.get(symbol.description);
    if (expected !== undefined) {
      found += 1;
      if ((server as unknown as Record<symbol, unknown>)[symbol] !== expected) {
        return true;
      }
    }
  }
  // Where Node keeps them elsewhere, nothing is known about them.
  return found !== known.size;
}

/** Makes the methods that end a server's connections end those on the fast path as well. */
function closeWith(server: Server, fastPath: FastPath): void {
  const close = server.close.bind(server);
  const closeAllConnections = server.closeAllConnections.bind(server);
  const closeIdleConnections = server.closeIdleConnections.bind(server);
  server.close = (callback) => {
    // A server that does not listen is given its connections by the application, which may go on.
    fastPath.closing ||= server.listening;
    return close(callback);
  };
  server.closeIdleConnections = () => {
    fastPath.closeIdle();
    closeIdleConnections();
  };
  server.closeAllConnections = () => {
    fastPath.closeAll();
    closeAllConnections();
  };
  server.on("listening", () => {
    fastPath.closing = false;
  });
}
