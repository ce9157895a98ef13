import type { Fields } from "../handler.js";

/** The simplest list of fields that keeps order and multiplicity. */
export class ReferenceFields implements Fields {
  #pairs: [string, string][];

  constructor(flat: readonly string[] = []) {
    this.#pairs = [];
    for (let at = 0; at + 1 < flat.length; at += 2) {
      this.#pairs.push([flat[at] ?? "", flat[at + 1] ?? ""]);
    }
  }

  get(name: string): string | undefined {
    return this.getAll(name)[0];
  }

  getAll(name: string): readonly string[] {
    return this.#pairs.filter(([key]) => same(key, name)).map(([, value]) => value);
  }

  has(name: string): boolean {
    return this.getAll(name).length > 0;
  }

  set(name: string, value: string): void {
    this.delete(name);
    this.append(name, value);
  }

  append(name: string, value: string): void {
    this.#pairs.push([name, value]);
  }

  delete(name: string): void {
    this.#pairs = this.#pairs.filter(([key]) => !same(key, name));
  }

  [Symbol.iterator](): Iterator<[string, string]> {
    return this.#pairs[Symbol.iterator]();
  }
}

function same(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
