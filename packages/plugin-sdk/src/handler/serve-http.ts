import type { PluginRequest } from "./plugin-request.js";
import type { ResponseWriter } from "./response-writer.js";

/**
 * Answers a request, in the style of Go's `ServeHTTP(w, r)`, with the arguments in Node's order.
 *
 * The response ends when the handler returns, or when its promise resolves; its status is 200 where
 * nothing was written. A handler that writes nothing and returns an object or a string, such as a
 * `Response` of fetch, has made a mistake: the exchange fails.
 *
 * A handler that throws, or whose promise rejects, makes the exchange fail: the client gets 500
 * before the head is committed, and a broken transfer afterwards. What was thrown goes to the log,
 * never to the client.
 *
 * A connection that the handler took over by `hijack()` ends when the handler returns, unless
 * something listens to it (`data`, `readable` or a pipe): a WebSocket lives on.
 */
export type ServeHTTP = (request: PluginRequest, response: ResponseWriter) => void | Promise<void>;
