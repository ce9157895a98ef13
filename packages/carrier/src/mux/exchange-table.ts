/** What an `ExchangeTable` holds. All but `id` is the table's. */
export interface TableExchange<Exchange> {
  /** Never 0, and never changed while it is in the table. */
  readonly id: number;
  nextInTable: Exchange | undefined;
}

/** As many as a busy host has open at a time: 256. */
const initialPlaces = 256;

/**
 * Exchanges by their ids. Ids count upwards, so consecutive ones lie side by side, and exchanges of
 * one place are linked: an exchange that comes and goes allocates nothing, which in a `Map` it does.
 * Hot: the small GET of `apps/bench`.
 */
export class ExchangeTable<Exchange extends TableExchange<Exchange>> {
  #places: (Exchange | undefined)[] = emptyPlaces(initialPlaces);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): Exchange | undefined {
    let exchange = this.#places[placeOf(id, this.#places)];
    while (exchange !== undefined && exchange.id !== id) {
      exchange = exchange.nextInTable;
    }
    return exchange;
  }

  /** Adds an exchange whose id is not there. */
  add(exchange: Exchange): void {
    if (this.#size === this.#places.length) {
      this.#grow();
    }
    const places = this.#places;
    const place = placeOf(exchange.id, places);
    exchange.nextInTable = places[place];
    places[place] = exchange;
    this.#size += 1;
  }

  /** Returns whether it was there. */
  delete(exchange: Exchange): boolean {
    const places = this.#places;
    const place = placeOf(exchange.id, places);
    let before: Exchange | undefined;
    let at = places[place];
    while (at !== undefined && at !== exchange) {
      before = at;
      at = at.nextInTable;
    }
    if (at === undefined) {
      return false;
    }
    if (before === undefined) {
      places[place] = exchange.nextInTable;
    } else {
      before.nextInTable = exchange.nextInTable;
    }
    exchange.nextInTable = undefined;
    this.#size -= 1;
    return true;
  }

  /** The exchanges as they are now, whatever happens to the table meanwhile. */
  all(): Exchange[] {
    const exchanges: Exchange[] = [];
    for (const first of this.#places) {
      for (let exchange = first; exchange !== undefined; exchange = exchange.nextInTable) {
        exchanges.push(exchange);
      }
    }
    return exchanges;
  }

  #grow(): void {
    const exchanges = this.all();
    this.#places = emptyPlaces(2 * this.#places.length);
    this.#size = 0;
    for (const exchange of exchanges) {
      this.add(exchange);
    }
  }
}

function emptyPlaces(count: number): undefined[] {
  return Array.from<undefined>({ length: count }).fill(undefined);
}

/** The number of places is a power of two, ids go up to 2^53. */
function placeOf(id: number, { length }: { readonly length: number }): number {
  return id % length;
}
