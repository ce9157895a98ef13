import { resumesMax, retryMsMax, retryMsMin, shortWatchMs } from "../limits.js";
import type { EndpointSlice } from "./endpoint-slice.js";
import { SliceStore } from "./slice-store.js";

/** What a watch says of a slice. */
export type SliceEvent =
  | { readonly kind: "put"; readonly slice: EndpointSlice; readonly version: string }
  | { readonly kind: "remove"; readonly name: string; readonly version: string }
  /** Nothing has changed up to this version. */
  | { readonly kind: "bookmark"; readonly version: string }
  /** The watch is over. */
  | { readonly kind: "error"; readonly error: Error };

export interface ListedSlices {
  /** The one that changed last comes last. */
  readonly slices: readonly EndpointSlice[];
  readonly version: string;
}

/** The slices of one Service, wherever they are. */
export interface SliceApi {
  list(signal: AbortSignal): Promise<ListedSlices>;
  /**
   * What changes after a version, as it arrives. The first item comes when the watch is open, and may
   * be empty. Ends where the other end closes the watch, which it does by and by.
   */
  watch(version: string, signal: AbortSignal): AsyncIterable<readonly SliceEvent[]>;
  /** Whether it can't tell what changed after a version, because it is too old. */
  isTooOld(error: unknown): boolean;
}

/** Time, as a parameter. */
export interface Clock {
  readonly nowMs: () => number;
  after(delayMs: number, signal: AbortSignal, callback: () => void): void;
}

export interface WatchOptions {
  readonly api: SliceApi;
  readonly clock: Clock;
  /** A random number from 0 to 1. */
  readonly chance: () => number;
  readonly onTrouble: (error: unknown) => void;
  /** Called where a watch is open. */
  readonly onOpen: () => void;
}

/**
 * Lists the slices and then watches them. Each item is all of them, at first and after each change.
 *
 * A watch that ends is opened again where it ended. One that fails, too, after a delay that doubles
 * and differs from host to host; what was listed stays meanwhile. Everything is listed anew where
 * the versions that were seen are too old, and after several failures in a row. It returns when the
 * signal aborts.
 *
 * @throws what `list` throws, where there was no list yet
 */
export async function* watchSlices(
  { api, chance, clock, onOpen, onTrouble }: WatchOptions,
  signal: AbortSignal,
): AsyncGenerator<readonly EndpointSlice[]> {
  const store = new SliceStore();
  let hasListed = false;
  let version: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    try {
      if (version === undefined) {
        const listed = await api.list(signal);
        store.replace(listed.slices);
        ({ version } = listed);
        hasListed = true;
        yield store.slices;
      }
      const beganMs = clock.nowMs();
      let isQuiet = true;
      for await (const events of api.watch(version, signal)) {
        onOpen();
        let hasChanged = false;
        for (const event of events) {
          if (event.kind === "error") {
            throw event.error;
          }
          hasChanged = take(store, event) || hasChanged;
          ({ version } = event);
          isQuiet = false;
          failures = 0;
        }
        if (hasChanged) {
          yield store.slices;
        }
      }
      if (isQuiet && clock.nowMs() - beganMs < shortWatchMs) {
        throw new Error("the API server closes the watch as soon as it is open");
      }
      failures = 0;
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      if (!hasListed) {
        throw error;
      }
      failures += 1;
      const isTooOld = api.isTooOld(error);
      if (isTooOld || failures >= resumesMax) {
        version = undefined;
      }
      if (!isTooOld || failures > 1) {
        onTrouble(error);
        await pause(clock, delayMs(failures, chance), signal);
      }
    }
  }
}

/** @returns whether slices have changed */
function take(store: SliceStore, event: Exclude<SliceEvent, { readonly kind: "error" }>): boolean {
  switch (event.kind) {
    case "put":
      store.put(event.slice);
      return true;
    case "remove":
      store.remove(event.name);
      return true;
    case "bookmark":
      return false;
  }
}

/** From half of the delay to all of it, so that hosts don't come back at the same moment. */
function delayMs(failures: number, chance: () => number): number {
  return Math.min(retryMsMin * 2 ** (failures - 1), retryMsMax) * (0.5 + chance() / 2);
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const onAbort = () => resolve();
  signal.addEventListener("abort", onAbort, { once: true });
  clock.after(ms, signal, resolve);
  await promise;
  signal.removeEventListener("abort", onAbort);
}
