import type { ServeHTTPError } from "@servehttp/contract";
import type { KnownAddress } from "../options/instance-address.js";

/** Where an instance of a plugin is. */
export interface FoundAddress extends KnownAddress {
  /** The name to check its certificate against. Default: the host of its url. */
  readonly serverName?: string | undefined;
}

/** Tells where the instances of a plugin are, and tells again when that has changed. */
export interface AddressSource {
  /** Begins. Called once. */
  start(sink: AddressSink): void;
  /** An address that it has told does not answer any more: looks again soon. */
  refresh(): void;
  /** Ends. The sink is told nothing from then on. */
  close(): void;
}

/** Who is told. */
export interface AddressSink {
  /** The whole list, each url once. Called also where nothing has changed. */
  onAddresses(addresses: readonly FoundAddress[]): void;
  /** What was told stays. It looks again after `retryMs`. */
  onFailure(error: ServeHTTPError, retryMs: number): void;
}
