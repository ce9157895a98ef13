import type { CarrierName } from "../wire/host.js";
import type { ResponsePartsToWrite } from "../wire/messages.js";

/** One thing that a hostile plugin does once a request has come. */
export type Step =
  /** Sends a well-formed message: on mux as a frame of this exchange. */
  | { readonly do: "parts"; readonly parts: ResponsePartsToWrite }
  /** Writes bytes where the length prefix of a message belongs. */
  | { readonly do: "bytes"; readonly bytes: Uint8Array }
  /** Sends a message whose payload is these bytes. */
  | { readonly do: "payload"; readonly payload: Uint8Array; readonly compressed?: boolean }
  /** On mux: sends frames under an id of its own choice, relative to this exchange's. */
  | { readonly do: "stray"; readonly idOffset: number; readonly parts: ResponsePartsToWrite }
  /** Ends the RPC with this gRPC status, undefined for none. */
  | { readonly do: "status"; readonly status: number | undefined }
  /** Resets the RPC's HTTP/2 stream. */
  | { readonly do: "reset"; readonly code: number }
  /** Cuts the whole connection. */
  | { readonly do: "cut" }
  /** Answers the RPC with these HTTP headers in place of gRPC's. */
  | { readonly do: "respond"; readonly headers: Readonly<Record<string, string | number>> };

/**
 * What the client must see.
 *
 * - `clean`: a whole 200
 * - `status`: 500, 502 or 503 from the host, without any text of the plugin
 * - `broken`: a head, then a broken transfer
 * - `failed`: `status` or `broken`
 * - `either`: the exchange ends in any of these ways
 */
export type Outcome = "clean" | "status" | "broken" | "failed" | "either";

/** One violation of the contract. */
export interface Violation {
  /** What the plugin answers with. */
  readonly name: string;
  readonly steps: readonly Step[];
  readonly outcome: Outcome;
  /** Default both. */
  readonly carriers?: readonly CarrierName[];
  /** Only where the client speaks that version of HTTP. Default: both. */
  readonly over?: "http1" | "http2";
  /** The client reads nothing of the body until the host has given the exchange up. */
  readonly readsLate?: true;
}
