import type { Server } from "node:http";
import { ServeHTTPError } from "@servehttp/contract";
import { type FetchHandler, serveFetch } from "./fetch.js";
import { type NodeHandler, serveNode, serveServer, withUpgrade } from "./node.js";
import type { UpgradeListener } from "./upgrade.js";
import type { ServeHTTP } from "../handler/serve-http.js";

/** A handler in the style of Go: `serveHTTP(request, response)`. */
export interface ServeHTTPHandler {
  /** Answers a request. */
  serveHTTP: ServeHTTP;

  /**
   * A listener of Node's event `upgrade`, for `ws` and the like. Default: none, and a request for
   * an upgrade goes to `serveHTTP`, which can take over the connection by `hijack()`.
   */
  upgrade?: UpgradeListener;
}

/**
 * What answers a plugin's requests: an object with exactly one of the functions `serveHTTP`,
 * `fetch` and `node`, and perhaps `upgrade`; or a server of `node:http` that has listeners and
 * never listens itself (`app.server` of Fastify, or what socket.io is attached to).
 */
export type PluginHandler = ServeHTTPHandler | FetchHandler | NodeHandler | Server;

/**
 * Makes `serveHTTP` of any handler.
 *
 * @throws ServeHTTPError `invalid-argument` for something that is no handler, in one line that says
 *   what one is
 */
export function toServeHTTP(handler: PluginHandler): ServeHTTP {
  if (isServer(handler)) {
    return serveServer(handler);
  }
  const style = styleOf(handler);
  checkUpgrade(handler);
  switch (style) {
    case "fetch": {
      const fetching = handler as FetchHandler;
      return withUpgrade(serveFetch(fetching), fetching);
    }
    case "node":
      return serveNode(handler as NodeHandler);
    case "serveHTTP":
      break;
  }
  const serving = handler as ServeHTTPHandler;
  return withUpgrade((request, response) => serving.serveHTTP(request, response), serving);
}

function checkUpgrade(handler: object): void {
  const upgrade: unknown = Reflect.get(handler, "upgrade");
  if (upgrade !== undefined && typeof upgrade !== "function") {
    throw invalid(`its upgrade is of type ${typeof upgrade}`);
  }
}

const styles = ["serveHTTP", "fetch", "node"] as const;

/**
 * Whether it is a server, by its shape: so are those of https, and those that a library has
 * wrapped.
 */
function isServer(handler: unknown): handler is Server {
  return (
    typeof handler === "object" &&
    handler !== null &&
    ["emit", "listenerCount", "listen", "address"].every(
      (method) => typeof Reflect.get(handler, method) === "function",
    )
  );
}

function styleOf(handler: unknown): (typeof styles)[number] {
  if (typeof handler === "function") {
    throw invalid(
      "a bare function could be of any style: give { node: app } for an Express app or a listener",
    );
  }
  if (typeof handler !== "object" || handler === null) {
    throw invalid(`this is ${handler === null ? "null" : `of type ${typeof handler}`}`);
  }
  const named = styles.filter((style) => style in handler);
  const [style] = named;
  if (style === undefined) {
    throw invalid(`this has none of them${hintFor(handler)}`);
  }
  if (named.length > 1) {
    throw invalid(`this has ${named.join(" and ")}: give one`);
  }
  const method: unknown = Reflect.get(handler, style);
  if (typeof method !== "function") {
    throw invalid(`its ${style} is of type ${typeof method}`);
  }
  return style;
}

function hintFor(handler: object): string {
  if ("routing" in handler && "server" in handler) {
    return ": of a Fastify app give app.server, after app.ready()";
  }
  if ("callback" in handler) {
    return ": of a Koa app give { node: app.callback() }";
  }
  return "";
}

function invalid(problem: string): ServeHTTPError {
  return new ServeHTTPError(
    "invalid-argument",
    "a handler is an object with the function serveHTTP(request, response), fetch(request, context) or " +
      `node(request, response), or a server of node:http; ${problem}`,
  );
}
