import type { InstanceAddress } from "@servehttp/host-bridge";

/** Addresses that somebody tells, as `discover` of a plugin yields them. */
export class ToldAddresses {
  #last: readonly InstanceAddress[] = [];
  #changed = Promise.withResolvers<void>();

  tell(addresses: readonly InstanceAddress[]): void {
    this.#last = addresses;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  readonly discover = (signal: AbortSignal): AsyncIterable<readonly InstanceAddress[]> =>
    this.#yieldEach(signal);

  async *#yieldEach(signal: AbortSignal): AsyncGenerator<readonly InstanceAddress[]> {
    const ended = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    while (!signal.aborted) {
      const changed = this.#changed.promise;
      const addresses = this.#last;
      yield addresses;
      await Promise.race([changed, ended]);
    }
  }
}
