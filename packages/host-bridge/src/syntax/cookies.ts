import { trimFieldValue } from "@servehttp/contract";

/**
 * Removes the named cookies from the value of a Cookie field; the others stay as they came.
 * Undefined when none is left.
 *
 * @param names of cookies, case-sensitive as in browsers
 */
export function stripCookies(value: string, names: ReadonlySet<string>): string | undefined {
  const kept: string[] = [];
  let anyRemoved = false;
  for (const pair of value.split(";")) {
    if (names.has(cookieName(pair))) {
      anyRemoved = true;
    } else {
      kept.push(pair);
    }
  }
  if (!anyRemoved) {
    return value;
  }
  const left = trimFieldValue(kept.join(";"));
  return left === "" ? undefined : left;
}

/**
 * The value of a cookie in a request's raw header section; of several, the first. Undefined where it is
 * not there or empty.
 *
 * @param rawHeaders name, value, name, value
 * @param name case-sensitive as in browsers
 */
export function cookieValue(rawHeaders: readonly string[], name: string): string | undefined {
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const value = isCookie(rawHeaders[at] as string)
      ? valueIn(rawHeaders[at + 1] as string, name)
      : undefined;
    if (value !== undefined) {
      return value;
    }
  }
  return undefined;
}

/** The same of the value of one Cookie field. Hot: a request with affinity looks for one. */
function valueIn(field: string, name: string): string | undefined {
  for (let at = field.indexOf(name); at >= 0; at = field.indexOf(name, at + 1)) {
    const equals = at + name.length;
    if (field.charCodeAt(equals) === equalsSign && beginsPair(field, at)) {
      const end = field.indexOf(";", equals);
      const value = field.slice(equals + 1, end < 0 ? field.length : end);
      return trimFieldValue(value) || undefined;
    }
  }
  return undefined;
}

function beginsPair(field: string, at: number): boolean {
  let before = at - 1;
  while (before >= 0 && (field.charCodeAt(before) === space || field.charCodeAt(before) === tab)) {
    before -= 1;
  }
  return before < 0 || field.charCodeAt(before) === semicolon;
}

const equalsSign = 0x3d;
const semicolon = 0x3b;
const space = 0x20;
const tab = 0x09;

function isCookie(name: string): boolean {
  return name.length === "cookie".length && name.toLowerCase() === "cookie";
}

/**
 * Whether a Set-Cookie value sets one of the named cookies. A value without a name can do so, too:
 * browsers store `=session=x` and send it back as `session=x`.
 */
export function setsCookie(value: string, names: ReadonlySet<string>): boolean {
  const end = value.indexOf(";");
  let pair = trimFieldValue(end < 0 ? value : value.slice(0, end));
  while (pair.startsWith("=")) {
    pair = trimFieldValue(pair.slice(1));
  }
  return names.has(cookieName(pair));
}

/**
 * The name of a `name=value` pair. Without a "=" it is all of the pair, because servers differ in
 * how they read that.
 */
function cookieName(pair: string): string {
  const equals = pair.indexOf("=");
  return trimFieldValue(equals < 0 ? pair : pair.slice(0, equals));
}
