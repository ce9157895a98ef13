import type { ServeHTTPError } from "@servehttp/contract";
import type { AddressSink, AddressSource, FoundAddress } from "../discovery/address-source.js";
import { knownAddress } from "../options/instance-address.js";

/** Addresses that a test tells. */
export class MemorySource implements AddressSource {
  /** How often it was asked to look again. */
  refreshes = 0;
  isClosed = false;
  #sink: AddressSink | undefined;

  start(sink: AddressSink): void {
    this.#sink = sink;
  }

  refresh(): void {
    this.refreshes += 1;
  }

  close(): void {
    this.isClosed = true;
  }

  /** Tells a list: urls, or more of an address than that. */
  tell(...addresses: readonly (string | (Partial<FoundAddress> & { readonly url: string }))[]) {
    this.#sink?.onAddresses(
      addresses.map((one) =>
        typeof one === "string" ? knownAddress(one) : { ...knownAddress(one.url), ...one },
      ),
    );
  }

  fail(error: ServeHTTPError, retryMs: number): void {
    this.#sink?.onFailure(error, retryMs);
  }
}
