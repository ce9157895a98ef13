import { ServeHTTPError } from "@servehttp/contract";
import { cpuProfile } from "./cpu-profile.js";
import { heapSnapshot } from "./heap-snapshot.js";

/** The largest piece of a file: 32 KiB, what the contract allows. */
const chunkBytesMax = 32_768;

/** What looks into this process while it runs. One at a time. */
export class Diagnostics {
  readonly #isAllowed: boolean;
  #isBusy = false;

  /** @param isAllowed whether the host may ask */
  constructor(isAllowed: boolean) {
    this.#isAllowed = isAllowed;
  }

  /** @throws ServeHTTPError `call-refused` where the host may not ask, `overload` where one runs */
  heapSnapshot(): AsyncIterable<Uint8Array> {
    return this.#alone(() => heapSnapshot());
  }

  /** The same, and `invalid-argument` for a time that is not allowed. */
  cpuProfile(durationMs: number, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#alone(async function* () {
      if (durationMs < 1 || durationMs > 300_000) {
        const message = `duration_ms is ${durationMs}; allowed are 1 to 300000`;
        throw new ServeHTTPError("invalid-argument", message);
      }
      yield await cpuProfile(durationMs, signal);
    });
  }

  async *#alone(take: () => AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    if (!this.#isAllowed) {
      const advice = "servePlugin(handler, { diagnostics: true })";
      throw new ServeHTTPError("call-refused", `this plugin allows no diagnostics: ${advice}`);
    }
    if (this.#isBusy) {
      throw new ServeHTTPError("overload", "this plugin takes a snapshot or a profile already");
    }
    this.#isBusy = true;
    try {
      for await (const piece of take()) {
        for (let at = 0; at < piece.length; at += chunkBytesMax) {
          yield piece.subarray(at, at + chunkBytesMax);
        }
      }
    } finally {
      this.#isBusy = false;
    }
  }
}
