import { knownAddress } from "../options/instance-address.js";
import type { AddressSink, AddressSource } from "./address-source.js";

/** Addresses that the options name. */
export class FixedSource implements AddressSource {
  readonly #urls: readonly string[];

  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  start(sink: AddressSink): void {
    sink.onAddresses(this.#urls.map(knownAddress));
  }

  refresh(): void {}

  close(): void {}
}
