/**
 * A list that is filled and emptied again and again. It keeps its memory, which an array gives back
 * each time. Hot: the small GET of `apps/bench`.
 */
export class ReusedList<Item> {
  readonly #items: (Item | undefined)[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The item at a place below `size`. */
  at(place: number): Item {
    return this.#items[place] as Item;
  }

  push(item: Item): void {
    this.#items[this.#size] = item;
    this.#size += 1;
  }

  /** Removes so many items at the beginning. */
  removeFirst(count: number): void {
    const items = this.#items;
    const left = this.#size - count;
    for (let place = 0; place < left; place += 1) {
      items[place] = items[place + count];
    }
    for (let place = left; place < this.#size; place += 1) {
      items[place] = undefined;
    }
    this.#size = left;
  }

  clear(): void {
    this.removeFirst(this.#size);
  }
}
