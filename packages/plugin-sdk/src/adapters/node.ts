import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { ServeHTTPError } from "@servehttp/contract";
import type { ServeHTTP } from "../handler/serve-http.js";
import type { PluginRequest } from "../handler/plugin-request.js";
import type { HijackedConnection, ResponseWriter } from "../handler/response-writer.js";
import { toIncomingMessage } from "./node-request.js";
import { NodeSocket } from "./node-socket.js";
import type { TunnelSocket } from "../exchange/tunnel-socket.js";

/** A handler in the style of Node's `http`: an Express app, `app.routing` of Fastify, `app.callback()` of Koa. */
export interface NodeHandler {
  /** A listener of `request`. The exchange is over when the response has ended; a listener that throws makes it fail. */
  node(request: IncomingMessage, response: ServerResponse): unknown;

  /**
   * A listener of `upgrade`: gets the client's connection, as `ws` and its like want it. Without one, a request for an
   * upgrade is an ordinary one.
   */
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): unknown;
}

/** `serveHTTP` for a handler in the style of Node. */
export function serveNode(handler: NodeHandler): ServeHTTP {
  return serveTarget({
    request: (incoming, outgoing) => handler.node(incoming, outgoing),
    upgrade: (incoming, socket, head) => handler.upgrade?.(incoming, socket, head),
    takesUpgrade: () => handler.upgrade !== undefined,
  });
}

/**
 * `serveHTTP` for a server of Node's that never listens: its listeners of `request`, `upgrade` and `checkContinue`
 * are called as it would. What attaches itself to a server (socket.io, `@fastify/websocket`) works so.
 */
export function serveServer(server: Server): ServeHTTP {
  return serveTarget({
    request(incoming, outgoing, expectsContinue) {
      const asks = expectsContinue && server.listenerCount("checkContinue") > 0;
      if (!server.emit(asks ? "checkContinue" : "request", incoming, outgoing)) {
        throw new ServeHTTPError("invalid-argument", "the server has no listener of request");
      }
    },
    upgrade: (incoming, socket, head) => server.emit("upgrade", incoming, socket, head),
    takesUpgrade: () => server.listenerCount("upgrade") > 0,
  });
}

interface NodeTarget {
  request(incoming: IncomingMessage, outgoing: ServerResponse, expectsContinue: boolean): unknown;
  upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): unknown;
  takesUpgrade(): boolean;
}

function serveTarget(target: NodeTarget): ServeHTTP {
  return (request, response) =>
    target.takesUpgrade() && request.headers.has("upgrade")
      ? serveUpgrade(target, request, response)
      : serveRequest(target, request, response);
}

function serveRequest(
  target: NodeTarget,
  request: PluginRequest,
  response: ResponseWriter,
): Promise<void> {
  const connection = new NodeSocket(request, response);
  const { incoming, outgoing } = connection;
  return connection.carry(() => target.request(incoming, outgoing, request.expectContinue));
}

async function serveUpgrade(
  target: NodeTarget,
  request: PluginRequest,
  response: ResponseWriter,
): Promise<void> {
  const connection = await hijackConnection(response);
  if (connection === undefined) {
    await serveRequest(target, request, response);
    return;
  }
  const incoming = toIncomingMessage(request, connection.socket as TunnelSocket);
  Object.assign(incoming, { upgrade: true, complete: true });
  incoming.push(null);
  const closed = new Promise<void>((resolve) => {
    connection.socket.once("close", resolve);
  });
  await target.upgrade(incoming, connection.socket, connection.head);
  // A listener of `upgrade` returns long before its connection ends.
  await closed;
}

/** Undefined where this client's connection can't be taken over: then it is an ordinary request. */
async function hijackConnection(response: ResponseWriter): Promise<HijackedConnection | undefined> {
  try {
    return await response.hijack();
  } catch (thrown) {
    if (thrown instanceof ServeHTTPError && thrown.code === "hijack-not-possible") {
      return undefined;
    }
    throw thrown;
  }
}
