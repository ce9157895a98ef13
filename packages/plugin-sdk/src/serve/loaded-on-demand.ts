import { constants } from "node:http2";
import type { ServeRpc } from "@servehttp/carrier";
import type { Logger } from "@servehttp/contract";

/**
 * Serves RPCs by code that is loaded when the first of them comes. Until then they wait. Where it
 * can't be loaded they are reset, and the next one tries again.
 */
export function loadedOnDemand(load: () => Promise<ServeRpc>, logger: Logger): ServeRpc {
  let loading: Promise<ServeRpc> | undefined;
  return (request, response) => {
    const { stream } = request;
    loading ??= load();
    loading.then(
      (serve) => {
        if (!stream.destroyed) {
          serve(request, response);
        }
      },
      (error: unknown) => {
        loading = undefined;
        logger.error({ err: error }, "what serves RPCs in other protocols can't be loaded");
        stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      },
    );
  };
}
