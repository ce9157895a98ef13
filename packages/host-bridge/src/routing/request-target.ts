import { targetBytesMax } from "../limits.js";
import { type Refusal, refusal } from "../edge/refusal.js";
import { isUtf8Bytes } from "../syntax/utf8-bytes.js";

/**
 * Where the path of a request target begins; -1 for a target without one (`*`, `host:port`,
 * `http://host`).
 */
export function pathStart(target: string): number {
  return target.charCodeAt(0) === 0x2f ? 0 : absolutePathAt(target);
}

/** Where the path of a target in absolute form begins; -1 for any other form. */
function absolutePathAt(target: string): number {
  const schemeEnd = target.indexOf("://");
  if (schemeEnd !== 4 && schemeEnd !== 5) {
    return -1;
  }
  const scheme = target.slice(0, schemeEnd).toLowerCase();
  if (scheme !== "http" && scheme !== "https") {
    return -1;
  }
  for (let at = schemeEnd + 3; at < target.length; at++) {
    const char = target.charCodeAt(at);
    if (char === 0x2f) {
      return at;
    }
    if (char === 0x3f || char === 0x23) {
      return -1;
    }
  }
  return -1;
}

/**
 * Refuses what no request target may hold (RFC 9112, section 3.2): control characters, blanks, a
 * fragment. Refuses bytes above 0x7f that are not UTF-8 as well, because the contract's `url` is
 * text. Everything else passes.
 */
export function checkTarget(target: string): Refusal | undefined {
  if (target.length > targetBytesMax) {
    return refusal(414, "the request target is too long");
  }
  let ascii = true;
  for (let at = 0; at < target.length; at++) {
    const char = target.charCodeAt(at);
    if (char <= 0x20 || char === 0x7f || char === 0x23 /* # */) {
      return refusal(400, "a character that no request target may hold");
    }
    if (char > 0x7f) {
      ascii = false;
    }
  }
  if (!ascii && !isUtf8Bytes(target)) {
    return refusal(400, "the request target is not UTF-8");
  }
  return undefined;
}
