import { type Logger, ServeHTTPError } from "@servehttp/contract";
import { discoveryRetryMs } from "../limits.js";
import { readAddresses } from "../options/instance-address.js";
import type { DiscoverSettings } from "../options/read-options.js";
import type { Clock } from "../process/clock.js";
import type { AddressSink, AddressSource } from "./address-source.js";
import { RetryDelay } from "./retry-delay.js";

/** What lists of the application's own are read with. */
export interface DiscoverSourceOptions {
  readonly pluginId: string;
  readonly discover: DiscoverSettings["discover"];
  /** Names the plugin in each record. */
  readonly logger: Required<Logger>;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly chance: () => number;
}

/** Addresses as the application's `discover` tells them. */
export class DiscoverSource implements AddressSource {
  readonly #options: DiscoverSourceOptions;
  readonly #over = new AbortController();
  readonly #delay: RetryDelay;

  constructor(options: DiscoverSourceOptions) {
    this.#options = options;
    this.#delay = new RetryDelay(discoveryRetryMs, options.chance);
  }

  start(sink: AddressSink): void {
    void this.#run(sink);
  }

  /** Whoever told them knows better than the host when to look again. */
  refresh(): void {}

  close(): void {
    this.#over.abort(new ServeHTTPError("host-stopping", "the plugin's addresses are not used"));
  }

  async #run(sink: AddressSink): Promise<void> {
    const { signal } = this.#over;
    const { clock, pluginId } = this.#options;
    const error = await this.#read(sink);
    if (signal.aborted) {
      return;
    }
    const retryMs = this.#delay.next();
    sink.onFailure(
      new ServeHTTPError("unavailable", `discover of plugin ${pluginId} ${error.message}`, error),
      retryMs,
    );
    clock.after(retryMs, signal, () => void this.#run(sink));
  }

  /** Reads lists until there are no more, and returns why. */
  async #read(sink: AddressSink): Promise<{ readonly message: string; readonly cause?: unknown }> {
    const { discover, logger, pluginId } = this.#options;
    const { signal } = this.#over;
    // The reading of it, which a wait for the next list must not keep from ending.
    let iterator: AsyncIterator<unknown> | undefined;
    const onAbort = (): void => void iterator?.return?.()?.then(undefined, () => undefined);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      iterator = discover(signal, logger)[Symbol.asyncIterator]();
      for (;;) {
        const { done, value } = await iterator.next();
        if (signal.aborted || done === true) {
          return { message: "ended" };
        }
        try {
          sink.onAddresses(readAddresses(pluginId, value));
          this.#delay.reset();
        } catch (error) {
          sink.onFailure(ServeHTTPError.from(error), 0);
        }
      }
    } catch (cause) {
      const said = cause instanceof Error ? cause.message : String(cause);
      return { message: `failed: ${said}`, cause };
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}
