import type { ServeHTTPError } from "@servehttp/contract";
import type { HostRequest, HostResponse } from "../client/node-types.js";
import type { ExchangePlugin } from "./exchange.js";

/**
 * Where a request for a plugin goes: to an exchange with it, to the plugin's handler in the host's
 * own process, or nowhere. `refused`: the plugin is not ready, or busy. `not-found`: there is no
 * such plugin, or it serves no HTTP.
 */
export type Destination =
  | { readonly kind: "exchange"; readonly plugin: ExchangePlugin }
  | {
      readonly kind: "handler";
      readonly handler: (request: HostRequest, response: HostResponse) => unknown;
    }
  | { readonly kind: "refused"; readonly error: ServeHTTPError }
  | { readonly kind: "not-found" };
