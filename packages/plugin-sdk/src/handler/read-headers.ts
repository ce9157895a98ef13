import { type FieldList, ServeHTTPError } from "@servehttp/contract";
import { checkedValue } from "./check-field.js";

/** What one name has in an object of headers. */
export type HeaderValue = string | number | readonly (string | number)[];

/**
 * Headers as the `Headers` of fetch takes them: pairs of name and value (an array, a Map,
 * `Headers`, a `HeaderList`), or an object of values by their names, with an array for a name that
 * has several.
 */
export type HeadersInput = Iterable<readonly HeaderValue[]> | Readonly<Record<string, HeaderValue>>;

/**
 * Headers as `writeHead` of Node's response takes them: `HeadersInput`, or a flat array of name,
 * value, name, value ….
 */
export type WriteHeadHeaders = HeadersInput | readonly HeaderValue[];

/**
 * The fields of headers as fetch takes them.
 *
 * @throws ServeHTTPError `invalid-argument` for another shape, and for a name or a value that HTTP
 *   does not allow
 */
export function readHeaders(headers: HeadersInput): FieldList {
  const fields: string[] = [];
  if (typeof headers !== "object" || headers === null) {
    throw invalid(`of type ${headers === null ? "null" : typeof headers}`);
  }
  if (isIterable(headers)) {
    for (const pair of headers) {
      if (!Array.isArray(pair) || pair.length !== 2) {
        throw invalid("an iterable of something else than pairs");
      }
      addField(fields, pair[0] as string, pair[1] as HeaderValue);
    }
  } else {
    for (const [name, value] of Object.entries(headers)) {
      addField(fields, name, value);
    }
  }
  return fields;
}

/**
 * The fields of headers as Node's `writeHead` takes them.
 *
 * @throws ServeHTTPError as `readHeaders` does
 */
export function readWriteHeadHeaders(headers: WriteHeadHeaders): FieldList {
  if (!Array.isArray(headers) || headers.length === 0 || Array.isArray(headers[0])) {
    return readHeaders(headers as HeadersInput);
  }
  if (headers.length % 2 !== 0) {
    throw invalid("a flat array whose last name has no value");
  }
  const fields: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    addField(fields, headers[i] as string, headers[i + 1] as HeaderValue);
  }
  return fields;
}

function addField(fields: string[], name: string, value: HeaderValue): void {
  if (!Array.isArray(value)) {
    fields.push(name, checkedValue(name, value));
    return;
  }
  for (const single of value as readonly unknown[]) {
    fields.push(name, checkedValue(name, single));
  }
}

function isIterable(headers: object): headers is Iterable<unknown> {
  return Symbol.iterator in headers;
}

function invalid(given: string): ServeHTTPError {
  return new ServeHTTPError(
    "invalid-argument",
    `headers are pairs of name and value, or an object of values by their names; these are ${given}`,
  );
}
