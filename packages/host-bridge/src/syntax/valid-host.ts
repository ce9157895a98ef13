/**
 * Whether a Host field or an authority holds only what a host and port are made of (RFC 3986, section 3.2.2). No user
 * information: "user@host" is how a host that is not meant gets into a log or a cookie domain. May be empty.
 */
export function isValidHost(host: string): boolean {
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
