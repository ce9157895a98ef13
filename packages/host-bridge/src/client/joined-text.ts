/**
 * Up to this many bytes, a body is written as a string together with what stands in front of it:
 * one write of one string costs half of a writev of two buffers, as the "get" case of `apps/bench`
 * shows.
 */
export const joinedBytesMax = 4_096;

/** Bytes as a string of one character each. */
export function joinedText(bytes: Uint8Array): string {
  const buffer =
    bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer.toString("latin1");
}
