import { ServeHTTPError } from "@servehttp/contract";
import { type FetchHandler, serveFetch } from "./adapters/fetch.js";
import type { ServeHTTP } from "./dispatcher.js";

/** A handler in the style of Go: `serveHTTP(request, response)`. */
export interface ServeHTTPHandler {
  serveHTTP: ServeHTTP;
}

/** What answers a plugin's requests: exactly one of the styles. */
export type PluginHandler = ServeHTTPHandler | FetchHandler;

/**
 * Makes `serveHTTP` of any handler. Throws a ServeHTTPError `invalid-argument`, in one line that says what a handler is,
 * for anything else.
 */
export function toServeHTTP(handler: PluginHandler): ServeHTTP {
  if (styleOf(handler) === "fetch") {
    return serveFetch(handler as FetchHandler);
  }
  const goStyle = handler as ServeHTTPHandler;
  return (request, response) => goStyle.serveHTTP(request, response);
}

const styles = ["serveHTTP", "fetch"] as const;

function styleOf(handler: unknown): (typeof styles)[number] {
  if (typeof handler === "function") {
    throw invalid("a bare function could be of any style: give { serveHTTP: f }, { fetch: f }");
  }
  if (typeof handler !== "object" || handler === null) {
    throw invalid(`it is ${handler === null ? "null" : `of type ${typeof handler}`}`);
  }
  const named = styles.filter((style) => style in handler);
  const [style] = named;
  if (style === undefined) {
    throw invalid("it has none of them");
  }
  if (named.length > 1) {
    throw invalid(`it has ${named.join(" and ")}: give one`);
  }
  const method: unknown = Reflect.get(handler, style);
  if (typeof method !== "function") {
    throw invalid(`its ${style} is of type ${typeof method}`);
  }
  return style;
}

function invalid(problem: string): ServeHTTPError {
  return new ServeHTTPError(
    "invalid-argument",
    `a handler is an object with the function serveHTTP(request, response) or fetch(request, context); ${problem}`,
  );
}
