import type { AddressSink, AddressSource, FoundAddress } from "./address-source.js";

/** The addresses of several sources, as far as they have told any. */
export class MergedSource implements AddressSource {
  readonly #sources: readonly AddressSource[];
  /** The last list of each. */
  readonly #lists = new Map<AddressSource, readonly FoundAddress[]>();
  /** Those that have told anything, a failure perhaps. */
  readonly #heard = new Set<AddressSource>();

  constructor(sources: readonly AddressSource[]) {
    this.#sources = sources;
  }

  start(sink: AddressSink): void {
    for (const source of this.#sources) {
      source.start({
        onAddresses: (addresses) => {
          this.#heard.add(source);
          this.#lists.set(source, addresses);
          sink.onAddresses(this.#all);
        },
        onFailure: (error, retryMs) => {
          this.#heard.add(source);
          // While nothing is known, another one may be about to tell addresses.
          if (this.#lists.size > 0 || this.#heard.size === this.#sources.length) {
            sink.onFailure(error, retryMs);
          }
        },
      });
    }
  }

  refresh(): void {
    for (const source of this.#sources) {
      source.refresh();
    }
  }

  close(): void {
    for (const source of this.#sources) {
      source.close();
    }
  }

  /** Each address once: as the first of the sources has it. */
  get #all(): readonly FoundAddress[] {
    const lists = this.#sources.map((source) => this.#lists.get(source) ?? []);
    return [
      ...new Map(
        lists
          .flat()
          .toReversed()
          .map((one) => [one.url, one]),
      ).values(),
    ];
  }
}
