import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { PluginHost } from "@servehttp/host-bridge";
import type { Observer } from "../observation/observer.js";

/**
 * Serves a host as Connect middleware mounted at `/sub`, behind a middleware that keeps output
 * until `res.flush()`, as compressing ones do. Requests that the host passes on get a 299.
 */
export function serveMounted(
  server: Server,
  host: Pick<PluginHost, "listener">,
  observer: Observer,
): void {
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const originalUrl = request.url ?? "";
    const key = /\/case\/[^/]+\/([^/?]+)/.exec(originalUrl)?.[1] ?? "";
    Object.assign(response, { flush: () => observer.event(key, "res.flush") });
    Object.assign(request, { originalUrl, url: originalUrl.slice("/sub".length) });
    host.listener(request, response, () => {
      response.writeHead(299);
      response.end();
    });
  });
}
