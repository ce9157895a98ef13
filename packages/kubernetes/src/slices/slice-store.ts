import { slicesMax } from "../limits.js";
import type { EndpointSlice } from "./endpoint-slice.js";

/** The slices of a Service, in the order of their last changes. */
export class SliceStore {
  readonly #slices = new Map<string, EndpointSlice>();

  /** The one that changed last comes last. */
  get slices(): readonly EndpointSlice[] {
    return [...this.#slices.values()];
  }

  /** Forgets all slices for those of a list. */
  replace(slices: readonly EndpointSlice[]): void {
    this.#slices.clear();
    for (const slice of slices) {
      this.put(slice);
    }
  }

  /** @throws RangeError for more slices than any Service has */
  put(slice: EndpointSlice): void {
    this.#slices.delete(slice.name);
    if (this.#slices.size === slicesMax) {
      throw new RangeError(`there are more than ${slicesMax} EndpointSlices of one Service`);
    }
    this.#slices.set(slice.name, slice);
  }

  remove(name: string): void {
    this.#slices.delete(name);
  }
}
