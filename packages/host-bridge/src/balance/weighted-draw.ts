/**
 * Draws an index, each as often as its weight says, in constant time: Vose's alias method. Where all
 * weights are the same there is no table.
 */
export class WeightedDraw {
  readonly #count: number;
  /** Of each index: the part of its slot that is its own; the rest is its alias's. */
  readonly #own: Float64Array | undefined;
  readonly #alias: Uint32Array | undefined;

  /** @param weights above 0, one at least */
  constructor(weights: readonly number[]) {
    const count = weights.length;
    this.#count = count;
    if (weights.every((weight) => weight === weights[0])) {
      this.#own = undefined;
      this.#alias = undefined;
      return;
    }
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const left = weights.map((weight) => (weight / sum) * count);
    const own = new Float64Array(count).fill(1);
    const alias = new Uint32Array(count);
    const small = left.flatMap((part, index) => (part < 1 ? [index] : []));
    const large = left.flatMap((part, index) => (part < 1 ? [] : [index]));
    for (;;) {
      const lack = small.pop();
      const giver = large.at(-1);
      if (lack === undefined || giver === undefined) {
        // What is left is 1 but for rounding.
        break;
      }
      own[lack] = left[lack] as number;
      alias[lack] = giver;
      const rest = (left[giver] as number) - (1 - (left[lack] as number));
      left[giver] = rest;
      if (rest < 1) {
        large.pop();
        small.push(giver);
      }
    }
    this.#own = own;
    this.#alias = alias;
  }

  /** @param chance from 0 to 1, 1 excluded */
  draw(chance: number): number {
    const at = chance * this.#count;
    const slot = Math.floor(at);
    return this.#own === undefined || at - slot < (this.#own[slot] as number)
      ? slot
      : (this.#alias?.[slot] as number);
  }
}
