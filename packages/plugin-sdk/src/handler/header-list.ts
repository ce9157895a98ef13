import {
  type FieldList,
  fieldNameBytesMax,
  isFieldValue,
  isToken,
  noFields,
  ServeHTTPError,
  trimFieldValue,
} from "@servehttp/contract";

/**
 * The fields of a header or trailer section (RFC 9110, section 5): an ordered list with several values a name,
 * like Go's `http.Header` and unlike the `Headers` of fetch, which joins values.
 *
 * Names compare without regard to case and keep the letter case in which they were given. Values are strings of one
 * character a byte (Latin-1), as in Node. Iteration gives `[name, value]` in order, one pair a value.
 *
 * `set` and `append` throw a ServeHTTPError `invalid-argument` for a name or a value that HTTP does not allow. White
 * space at either end of a value is no part of it and is removed.
 */
export class HeaderList implements Iterable<[string, string]> {
  #fields: FieldList;
  // Whether somebody else may hold #fields: it is copied before the first change.
  #isShared = true;

  /** A list with these fields (name, value, name, value …; default none). They are not checked again, and not changed. */
  constructor(fields: FieldList = noFields) {
    this.#fields = fields;
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

  /** Whether there is a field of this name. */
  has(name: string): boolean {
    return indexOfName(this.#fields, name, 0) >= 0;
  }

  /** Replaces all values of this name by one, at the place of the first of them; appends where there is none. */
  set(name: string, value: string): void {
    const allowed = allowedField(name, value);
    const at = indexOfName(this.#fields, name, 0);
    if (at < 0) {
      this.#own().push(name, allowed);
      return;
    }
    const fields = this.#own();
    fields[at] = name;
    fields[at + 1] = allowed;
    removeFrom(fields, name, at + 2);
  }

  /** Adds a value behind all that are there. */
  append(name: string, value: string): void {
    this.#own().push(name, allowedField(name, value));
  }

  /** Removes all values of this name; says whether there was one. */
  delete(name: string): boolean {
    const at = indexOfName(this.#fields, name, 0);
    if (at < 0) {
      return false;
    }
    removeFrom(this.#own(), name, at);
    return true;
  }

  *[Symbol.iterator](): Generator<[string, string], undefined> {
    const fields = this.#fields;
    for (let i = 0; i < fields.length; i += 2) {
      yield [fields[i] as string, fields[i + 1] as string];
    }
  }

  /** The fields as they are now: name, value, name, value …. Later changes of this list do not show in it. */
  toFieldList(): FieldList {
    this.#isShared = true;
    return this.#fields;
  }

  #own(): string[] {
    if (this.#isShared) {
      this.#fields = this.#fields.slice();
      this.#isShared = false;
    }
    return this.#fields as string[];
  }
}

/** Pairs of name and value as a flat list. Throws a ServeHTTPError `invalid-argument` for what HTTP does not allow. */
export function toFieldList(pairs: Iterable<readonly [string, string]>): FieldList {
  const list = new HeaderList();
  for (const [name, value] of pairs) {
    list.append(name, value);
  }
  return list.toFieldList();
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

function removeFrom(fields: string[], name: string, from: number): void {
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

function allowedField(name: string, value: string): string {
  if (typeof name !== "string" || name.length > fieldNameBytesMax || !isToken(name)) {
    throw new ServeHTTPError(
      "invalid-argument",
      `${quoted(name)} is no header name: a name is 1 to ${fieldNameBytesMax} letters, digits or characters of ` +
        "!#$%&'*+-.^_`|~",
    );
  }
  if (typeof value !== "string") {
    throw new ServeHTTPError(
      "invalid-argument",
      `the value of header ${name} is of type ${typeof value}: values are strings`,
    );
  }
  const trimmed = trimFieldValue(value);
  if (!isFieldValue(trimmed)) {
    throw new ServeHTTPError(
      "invalid-argument",
      `the value of header ${name} ${valueProblem(trimmed)}`,
    );
  }
  return trimmed;
}

function valueProblem(value: string): string {
  for (let i = 0; i < value.length; i += 1) {
    const code = value.charCodeAt(i);
    if (code > 0xff) {
      return (
        `holds ${codePoint(code)} at ${i}: a value has one character a byte, up to U+00FF; ` +
        `for UTF-8 give Buffer.from(value, "utf8").toString("latin1")`
      );
    }
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) {
      return `holds ${codePoint(code)} at ${i}: control characters are not allowed`;
    }
  }
  return `is not allowed: ${quoted(value)}`;
}

function codePoint(code: number): string {
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}

function quoted(text: unknown): string {
  return JSON.stringify(String(text).slice(0, 60));
}
