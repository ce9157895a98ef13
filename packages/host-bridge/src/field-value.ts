/**
 * Whether a string is a field value (RFC 9110, section 5.5): octets, one character each, no control characters but the
 * tab. Node checks this for HTTP/1 alone; over HTTP/2 it would send CR and LF as they are.
 */
export function isFieldValue(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const char = value.charCodeAt(at);
    if ((char < 0x20 && char !== 0x09) || char === 0x7f || char > 0xff) {
      return false;
    }
  }
  return true;
}
