import { hostBytesMax } from "../limits.js";

/**
 * Whether a Host field or an authority holds only what a host and port are made of (RFC 3986,
 * section 3.2.2). May be empty. User information is refused: with "user@host", different readers
 * would take different parts for the host.
 */
export function isValidHost(host: string): boolean {
  if (host.length > hostBytesMax) {
    return false;
  }
  for (let at = 0; at < host.length; at++) {
    const char = host.charCodeAt(at);
    const allowed = char < 0x80 && hostCharacters[char] === 1;
    if (!allowed) {
      return false;
    }
  }
  return true;
}

const hostCharacters = new Uint8Array(128);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%!$&'()*+,;=:[]") {
  hostCharacters[char.charCodeAt(0)] = 1;
}
