/**
 * Up to this size in bytes a body is written as a string, joined with what stands in front of it: one write of one string
 * costs half of a writev of two buffers. See the "get" case of `apps/bench`.
 */
export const joinedBytesMax = 4_096;

/** Bytes as a string of one character each. */
export function joinedText(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString("latin1");
}
