import type { Server } from "node:http";
import { ServeHTTPError } from "@servehttp/contract";
import { type FetchHandler, serveFetch } from "./fetch.js";
import { type NodeHandler, serveNode, serveServer } from "./node.js";
import type { ServeHTTP } from "../handler/serve-http.js";

/** A handler in the style of Go: `serveHTTP(request, response)`. */
export interface ServeHTTPHandler {
  serveHTTP: ServeHTTP;
}

/**
 * What answers a plugin's requests: exactly one of the styles, or a server of `node:http` that has listeners and never
 * listens itself (`app.server` of Fastify, or what socket.io is attached to).
 */
export type PluginHandler = ServeHTTPHandler | FetchHandler | NodeHandler | Server;

/**
 * Makes `serveHTTP` of any handler. Throws a ServeHTTPError `invalid-argument`, in one line that says what a handler is,
 * for anything else.
 */
export function toServeHTTP(handler: PluginHandler): ServeHTTP {
  if (isServer(handler)) {
    return serveServer(handler);
  }
  switch (styleOf(handler)) {
    case "fetch":
      return serveFetch(handler as FetchHandler);
    case "node":
      return serveNode(handler as NodeHandler);
    case "serveHTTP":
      break;
  }
  const goStyle = handler as ServeHTTPHandler;
  return (request, response) => goStyle.serveHTTP(request, response);
}

const styles = ["serveHTTP", "fetch", "node"] as const;

/** By shape, so that the servers of https and of wrappers count as well. */
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
