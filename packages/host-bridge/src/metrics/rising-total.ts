/**
 * A total that never falls, of parts that begin at 0 again, or are gone, when a process is replaced.
 * What a part has had between the last look and its end is not in it.
 */
export class RisingTotal {
  #total = 0;
  #last = new Map<string, number>();

  /** Adds what the parts have grown since the last look; a part that has fallen has begun anew. */
  take(parts: readonly (readonly [name: string, value: number])[]): number {
    for (const [name, value] of parts) {
      const last = this.#last.get(name) ?? 0;
      this.#total += value >= last ? value - last : value;
    }
    this.#last = new Map(parts);
    return this.#total;
  }
}
