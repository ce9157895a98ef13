import { type FieldList, noFields } from "@servehttp/contract";
import { checkedValue } from "./check-field.js";
import { type HeadersInput, readHeaders } from "./read-headers.js";

// They reach into a list for this package alone, and so are no methods. The class sets them below.
let adoptFields: (fields: FieldList) => HeaderList;
let shareFields: (list: HeaderList) => FieldList;

/**
 * The fields of a header or trailer section (RFC 9110, section 5): an ordered list with several
 * values a name, like Go's `http.Header`. Unlike the `Headers` of fetch it never joins values.
 *
 * Names compare without regard to case and keep the letter case in which they were given. Values
 * are strings of one character a byte (Latin-1), as in Node. Iteration gives `[name, value]` in
 * order, one pair a value, so that `new Headers(list)` and `response.setHeaders(list)` of Node take
 * a list.
 */
export class HeaderList implements Iterable<[string, string]> {
  #fields: FieldList = noFields;
  // Whether somebody else may hold #fields: it is copied before the first change.
  #isShared = true;

  static {
    adoptFields = (fields) => {
      const list = new HeaderList();
      list.#fields = fields;
      return list;
    };
    shareFields = (list) => {
      list.#isShared = true;
      return list.#fields;
    };
  }

  /**
   * A list with these fields; without them, an empty one.
   *
   * @param headers What the `Headers` of fetch takes: pairs of name and value (an array, a Map,
   *   `Headers`, another list), or an object whose values are strings, numbers or arrays of them.
   *   It is copied.
   * @throws ServeHTTPError `invalid-argument` for another shape, and for a name or a value that
   *   HTTP does not allow
   */
  constructor(headers?: HeadersInput) {
    if (headers !== undefined) {
      this.#fields = readHeaders(headers);
    }
  }

  /** The first value of this name; undefined where there is none. */
  get(name: string): string | undefined {
    const at = indexOfName(this.#fields, name, 0);
    return at < 0 ? undefined : this.#fields[at + 1];
  }

  /** All values of this name in order; empty where there is none. */
  getAll(name: string): string[] {
    const values: string[] = [];
    let at = indexOfName(this.#fields, name, 0);
    while (at >= 0) {
      values.push(this.#fields[at + 1] as string);
      at = indexOfName(this.#fields, name, at + 2);
    }
    return values;
  }

  /** All values of `Set-Cookie` in order, as `Headers` of fetch has it. */
  getSetCookie(): string[] {
    return this.getAll("set-cookie");
  }

  /** Whether there is a field of this name. */
  has(name: string): boolean {
    return indexOfName(this.#fields, name, 0) >= 0;
  }

  /**
   * Replaces all values of this name by one, at the place of the first of them; appends where there
   * is none. White space at either end of the value is removed (RFC 9110, section 5.5).
   *
   * @throws ServeHTTPError `invalid-argument` for a name or a value that HTTP does not allow
   */
  set(name: string, value: string | number): void {
    const checked = checkedValue(name, value);
    const at = indexOfName(this.#fields, name, 0);
    if (at < 0) {
      this.#ownFields().push(name, checked);
      return;
    }
    const fields = this.#ownFields();
    fields[at] = name;
    fields[at + 1] = checked;
    removeName(fields, name, at + 2);
  }

  /**
   * Adds a value behind all that are there. White space at either end of it is removed.
   *
   * @throws ServeHTTPError `invalid-argument` for a name or a value that HTTP does not allow
   */
  append(name: string, value: string | number): void {
    this.#ownFields().push(name, checkedValue(name, value));
  }

  /** Removes all values of this name; says whether there was one. */
  delete(name: string): boolean {
    const at = indexOfName(this.#fields, name, 0);
    if (at < 0) {
      return false;
    }
    removeName(this.#ownFields(), name, at);
    return true;
  }

  /** The names in order, in their own letter case, once for each value. */
  *keys(): Generator<string, undefined> {
    const fields = this.#fields;
    for (let i = 0; i < fields.length; i += 2) {
      yield fields[i] as string;
    }
  }

  /** The values in order. */
  *values(): Generator<string, undefined> {
    const fields = this.#fields;
    for (let i = 1; i < fields.length; i += 2) {
      yield fields[i] as string;
    }
  }

  /** Pairs of name and value in order, one pair a value. The same as iterating over the list. */
  *entries(): Generator<[string, string], undefined> {
    const fields = this.#fields;
    for (let i = 0; i < fields.length; i += 2) {
      yield [fields[i] as string, fields[i + 1] as string];
    }
  }

  [Symbol.iterator](): Generator<[string, string], undefined> {
    return this.entries();
  }

  #ownFields(): string[] {
    if (this.#isShared) {
      this.#fields = this.#fields.slice();
      this.#isShared = false;
    }
    return this.#fields as string[];
  }
}

/** A list of fields that were checked before. It neither copies nor changes them. */
export function headerListOf(fields: FieldList): HeaderList {
  return adoptFields(fields);
}

/** The fields of a list as they are now. Later changes of the list do not show in them. */
export function fieldsOf(list: HeaderList): FieldList {
  return shareFields(list);
}

function indexOfName(fields: FieldList, name: string, from: number): number {
  let lowered: string | undefined;
  for (let i = from; i < fields.length; i += 2) {
    const candidate = fields[i] as string;
    if (candidate === name) {
      return i;
    }
    if (candidate.length === name.length) {
      lowered ??= name.toLowerCase();
      if (candidate.toLowerCase() === lowered) {
        return i;
      }
    }
  }
  return -1;
}

function removeName(fields: string[], name: string, from: number): void {
  let kept = from;
  let at = indexOfName(fields, name, from);
  if (at < 0) {
    return;
  }
  for (let i = from; i < fields.length; i += 2) {
    if (i === at) {
      at = indexOfName(fields, name, i + 2);
      continue;
    }
    fields[kept] = fields[i] as string;
    fields[kept + 1] = fields[i + 1] as string;
    kept += 2;
  }
  fields.length = kept;
}

/** Puts fields in place of all those of the same names. They were checked before. */
export function replaceFields(list: HeaderList, fields: FieldList): void {
  for (let i = 0; i < fields.length; i += 2) {
    list.delete(fields[i] as string);
  }
  for (let i = 0; i < fields.length; i += 2) {
    list.append(fields[i] as string, fields[i + 1] as string);
  }
}
