import type { ServeHTTPError } from "@servehttp/contract";
import type { HostRequest, HostResponse } from "../client/node-types.js";
import type { ExchangePlugin } from "./exchange.js";

/**
 * Where a request for a plugin goes: to an exchange with it, to the plugin's handler in the host's
 * own process, or nowhere. `wait`: the plugin will be ready in a moment. `refused`: the plugin is
 * not ready, or busy. `not-found`: there is no such plugin, or it serves no HTTP.
 */
export type Destination =
  | { readonly kind: "exchange"; readonly plugin: ExchangePlugin }
  | {
      readonly kind: "handler";
      readonly handler: (request: HostRequest, response: HostResponse) => unknown;
    }
  | {
      readonly kind: "wait";
      /** Lets a request wait. Returns what lets it leave before it has been told where it goes. */
      readonly wait: (request: WaitingRequest) => () => void;
    }
  | {
      readonly kind: "refused";
      readonly error: ServeHTTPError;
      /** When to try again. Default: what the error's code says. */
      readonly retryAfterSeconds?: number;
    }
  | { readonly kind: "not-found" };

/** A request that waits. It is called once, with where it goes; not to wait again. */
export type WaitingRequest = (destination: Destination) => void;
