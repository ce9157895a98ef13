import type { Logger, NodeRequest, NodeResponse, PluginHost } from "@servehttp/host-bridge";
import type { Settings } from "../config/settings.js";

/**
 * The application of a config, as that is now, as a listener; 404 where it has none any more. What
 * it throws, or rejects with, ends its own response and nothing else: 500, or a broken transfer
 * where the head has gone out.
 */
export function appListener(appNow: () => Settings["app"], host: PluginHost, logger: Logger) {
  return async (request: NodeRequest, response: NodeResponse): Promise<void> => {
    try {
      const app = appNow();
      if (app === undefined) {
        endWith(404, response);
      } else {
        await app(request, response, host);
      }
    } catch (error) {
      logger.error({ err: error }, "the config's app failed");
      if (response.headersSent) {
        response.destroy();
      } else {
        endWith(500, response);
      }
    }
  };
}

function endWith(status: number, response: NodeResponse): void {
  response.statusCode = status;
  response.end();
}
