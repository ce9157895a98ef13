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
