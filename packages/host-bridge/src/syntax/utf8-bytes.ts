/**
 * Whether a string of one character a byte (Latin-1) holds well-formed UTF-8 (RFC 3629: no overlong
 * forms, no surrogates, nothing above U+10FFFF). A character above U+00FF is no byte: false.
 */
export function isUtf8Bytes(bytes: string): boolean {
  for (let at = 0; at < bytes.length; at++) {
    const lead = bytes.charCodeAt(at);
    if (lead < 0x80) {
      continue;
    }
    let following: number;
    let low = 0x80;
    let high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
      following = 1;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      following = 2;
      if (lead === 0xe0) {
        low = 0xa0;
      } else if (lead === 0xed) {
        high = 0x9f;
      }
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      following = 3;
      if (lead === 0xf0) {
        low = 0x90;
      } else if (lead === 0xf4) {
        high = 0x8f;
      }
    } else {
      return false;
    }
    for (; following > 0; following--) {
      at++;
      // At the end of the string it is NaN, for which no comparison holds.
      const next = bytes.charCodeAt(at);
      if (!(next >= low && next <= high)) {
        return false;
      }
      low = 0x80;
      high = 0xbf;
    }
  }
  return true;
}
