/** The parameters of one element of a Forwarded field, by their names in lower case. */
export type ForwardedElement = ReadonlyMap<string, string>;

/**
 * Reads one line of a Forwarded field (RFC 7239, section 4). Undefined where it is anything else
 * than that: a client could have put a quotation mark in front of what a proxy added.
 */
export function readForwardedElements(line: string): readonly ForwardedElement[] | undefined {
  const elements: ForwardedElement[] = [];
  let element = new Map<string, string>();
  let at = 0;
  while (at < line.length) {
    pairPattern.lastIndex = at;
    const pair = pairPattern.exec(line);
    if (pair === null) {
      return undefined;
    }
    const [text, blanks, name = "", token, quoted, delimiter] = pair;
    at += text.length;
    if (blanks === undefined) {
      const lower = name.toLowerCase();
      if (element.has(lower)) {
        return undefined;
      }
      element.set(lower, token ?? (quoted ?? "").replaceAll(/\\(.)/g, "$1"));
    }
    if (delimiter !== ";" && element.size > 0) {
      elements.push(element);
      element = new Map();
    }
  }
  if (element.size > 0) {
    elements.push(element);
  }
  return elements;
}

/**
 * A pair, or nothing, with the delimiter behind it. Blanks around delimiters are no part of the
 * grammar, but are common.
 */
const pairPattern =
  /(?:([ \t]*)(?=[,;]|$)|[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=(?:([!#$%&'*+\-.^_`|~0-9A-Za-z:[\]]+)|"((?:[^"\\]|\\[\t\x20-\x7e\x80-\xff])*)")[ \t]*)(?:([,;])|$)/y;
