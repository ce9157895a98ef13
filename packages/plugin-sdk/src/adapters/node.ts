import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { ServeHTTPError } from "@servehttp/contract";
import type { PluginRequest } from "../handler/plugin-request.js";
import type { ResponseWriter } from "../handler/response-writer.js";
import type { ServeHTTP } from "../handler/serve-http.js";
import { ClientSockets } from "./client-sockets.js";
import { emitRequest } from "./emit-request.js";
import { NodeExchange } from "./node-exchange.js";
import { type ServerTraits, traitsOf } from "./server-traits.js";
import { serveUpgrade, type UpgradeListener, wantsUpgrade } from "./upgrade.js";

/**
 * A handler in the style of Node's `http`: an Express app, `app.routing` of Fastify,
 * `app.callback()` of Koa.
 */
export interface NodeHandler {
  /**
   * A listener of `request`. The exchange is over when the response has ended. A listener that
   * throws, or whose promise rejects, makes it fail.
   */
  node(request: IncomingMessage, response: ServerResponse): unknown;

  /** A listener of `upgrade`. Default: none, and a request for an upgrade is an ordinary one. */
  upgrade?: UpgradeListener;
}

/** `serveHTTP` for a handler in the style of Node. */
export function serveNode(handler: NodeHandler): ServeHTTP {
  const { server, takeResult } = serverOf({
    request: (incoming, outgoing) => handler.node(incoming, outgoing),
    ...upgradeOf(handler),
  });
  return serveServer(server, takeResult);
}

/**
 * `serveHTTP` for a server of Node's that never listens: its listeners of `request`, `upgrade`,
 * `checkContinue` and `checkExpectation` are called as it would call them. What attaches itself to
 * a server (socket.io, `@fastify/websocket`) works so.
 *
 * @param takeResult what the listener has returned that was called last
 */
export function serveServer(server: Server, takeResult: () => unknown = nothing): ServeHTTP {
  const traits = traitsOf(server);
  const sockets = new ClientSockets(traits.highWaterMark);
  const upgrade = serveUpgrade(traits, takeResult);
  return (request, response) =>
    wantsUpgrade(request, traits)
      ? upgrade(request, response)
      : serveRequest(request, response, { traits, sockets, takeResult });
}

/** `serveHTTP` for a handler of another style, with a listener of `upgrade` beside it. */
export function withUpgrade(
  serveHTTP: ServeHTTP,
  handler: { upgrade?: UpgradeListener },
): ServeHTTP {
  if (handler.upgrade === undefined) {
    return serveHTTP;
  }
  const { server, takeResult } = serverOf(upgradeOf(handler));
  const traits = traitsOf(server);
  const upgrade = serveUpgrade(traits, takeResult);
  return (request, response) =>
    wantsUpgrade(request, traits) ? upgrade(request, response) : serveHTTP(request, response);
}

/** What the requests of one server share. */
interface Serving {
  readonly traits: ServerTraits;
  readonly sockets: ClientSockets;
  readonly takeResult: () => unknown;
}

function serveRequest(
  request: PluginRequest,
  response: ResponseWriter,
  { traits, sockets, takeResult }: Serving,
): Promise<void> {
  const exchange = new NodeExchange(request, response, traits, sockets.socketFor(request));
  const { incoming, outgoing } = exchange;
  const hasExpectation = request.expectContinue || request.headers.has("expect");
  return exchange.carry(() => {
    if (!emitRequest(traits.server, incoming, outgoing, hasExpectation)) {
      throw new ServeHTTPError("invalid-argument", "the server has no listener of request");
    }
    return takeResult();
  });
}

/**
 * A server for listeners that have none: proxies and development servers look for it at
 * `request.socket.server`. An event tells nobody what a listener has returned, so that is kept
 * until it is asked for.
 */
function serverOf(listeners: { request?: RequestListener; upgrade?: UpgradeListener }) {
  const server = createServer();
  let result: unknown;
  const { request, upgrade } = listeners;
  if (request !== undefined) {
    server.on("request", (incoming, outgoing) => {
      result = request(incoming, outgoing);
    });
  }
  if (upgrade !== undefined) {
    server.on("upgrade", (incoming, socket, head) => {
      result = upgrade(incoming, socket, head);
    });
  }
  const takeResult = (): unknown => {
    const taken = result;
    result = undefined;
    return taken;
  };
  return { server, takeResult };
}

function upgradeOf(handler: { upgrade?: UpgradeListener }): { upgrade?: UpgradeListener } {
  return handler.upgrade === undefined
    ? {}
    : { upgrade: (incoming, socket, head) => handler.upgrade?.(incoming, socket, head) };
}

function nothing(): undefined {
  return undefined;
}
