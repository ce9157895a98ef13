import type { Exchange } from "./exchange.js";
import type { RequestParts } from "./messages.js";

/** The two ways in which exchanges are carried. */
export type CarrierName = "stream" | "mux";

/** A host's connection to the plugin on one of the carriers. */
export interface Host extends Disposable {
  readonly carrier: CarrierName;
  /** How many exchanges the plugin takes at once, as far as it has said so. */
  readonly exchangesMax: number;
  /** Opens an exchange with its first parts. */
  open(parts: RequestParts): Exchange;
  /** Resolves when the plugin takes no more exchanges here: it is closing. */
  draining(): Promise<void>;
  /** Writes an exchange's first message in slices of so many bytes, each a DATA frame of its own. */
  openSliced(parts: RequestParts, sliceBytes: number): Exchange;
}
