import type { FieldList, ServeHTTPError } from "@servehttp/contract";
import type { ClientResponse } from "../client/client-response.js";
import type { RequestOutcome } from "./outcome.js";

/** An exchange as far as whoever watches its request needs to know of it. */
export interface RunningExchange {
  /** How many bytes of the request's body have gone to the plugin. */
  readonly requestBytes: number;
  stop(reason: ServeHTTPError): void;
}

/** What has gone through a tunnel. */
export interface TunnelBytes {
  readonly bytesFromClient: number;
  readonly bytesToClient: number;
}

/** What the host tells of a request for which there are observers. */
export interface WatchedRequest {
  /** The `traceparent`, `tracestate` and `baggage` for its plugin; undefined where nobody traces. */
  readonly traceFields: FieldList | undefined;
  /** It has to wait for its plugin. */
  waits(): void;
  /** It goes to its plugin. */
  sent(exchange: RunningExchange): void;
  /** The plugin has given it back. */
  givenBack(): void;
  /** The plugin has taken the client's connection over. */
  becameTunnel(tunnel: TunnelBytes): void;
  /** Stands before its response from now on, if need be. Returns what is to be written to. */
  open(response: ClientResponse): ClientResponse;
  /** It is over. Counts once. */
  over(outcome: RequestOutcome, error?: ServeHTTPError): void;
  /** The host has answered it, if the client was still there. */
  answered(outcome: RequestOutcome, error?: ServeHTTPError): void;
  /** A handler in the host's own process has answered it. */
  handled(status: number | undefined, outcome: RequestOutcome): void;
}
