/**
 * Parses a Content-Length (RFC 9110, section 8.6): digits alone, at most 2^53 - 1. Undefined for
 * anything else, lists and signs included.
 */
export function parseContentLength(value: string): number | undefined {
  // 2^53 - 1 has 16 digits. The grammar allows leading zeros, so a longer text can be valid.
  if (value === "" || value.length > 32) {
    return undefined;
  }
  let length = 0;
  for (let at = 0; at < value.length; at++) {
    const digit = value.charCodeAt(at) - 0x30;
    if (!(digit >= 0 && digit <= 9)) {
      return undefined;
    }
    length = length * 10 + digit;
    if (length > Number.MAX_SAFE_INTEGER) {
      return undefined;
    }
  }
  return length;
}
