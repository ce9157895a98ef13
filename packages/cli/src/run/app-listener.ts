import type { Logger, PluginHost } from "@servehttp/host-bridge";
import type { Settings } from "../config/settings.js";
import type { ListenerHost } from "../listen/listener.js";

/**
 * The application of a config as a listener. What it throws, or rejects with, ends its own response
 * and nothing else: 500, or a broken transfer where the head has gone out.
 */
export function appListener(
  app: Settings["app"],
  host: PluginHost,
  logger: Logger,
): ListenerHost["app"] {
  return (
    app &&
    (async (request, response) => {
      try {
        await app(request, response, host);
      } catch (error) {
        logger.error({ err: error }, "the config's app failed");
        if (response.headersSent) {
          response.destroy();
        } else {
          response.statusCode = 500;
          response.end();
        }
      }
    })
  );
}
