/** Up to this many bytes, a loop is faster than a call out of JavaScript. */
const loopBytesMax = 64;

/** Whether `bytes` holds exactly `part` from `begin` on. */
export function equalBytes(part: Buffer, bytes: Buffer, begin: number): boolean {
  const { length } = part;
  if (begin + length > bytes.length) {
    return false;
  }
  if (length > loopBytesMax) {
    return bytes.compare(part, 0, length, begin, begin + length) === 0;
  }
  for (let at = 0; at < length; at += 1) {
    if (part[at] !== bytes[begin + at]) {
      return false;
    }
  }
  return true;
}
