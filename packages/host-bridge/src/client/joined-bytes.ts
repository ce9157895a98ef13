/** What is joined shares buffers of this size: 64 KiB. */
const slabBytes = 65_536;

let slab = Buffer.allocUnsafeSlow(slabBytes);
let offset = 0;

/**
 * A head and a body of no more than `joinedBytesMax` as one buffer, for one write. A buffer for each
 * of them would cost more than the copy.
 */
export function joinedBytes(head: Buffer, body: Uint8Array): Buffer {
  const bytes = head.length + body.length;
  if (bytes > slabBytes - offset) {
    slab = Buffer.allocUnsafeSlow(Math.max(slabBytes, bytes));
    offset = 0;
  }
  const begin = offset;
  slab.set(head, begin);
  slab.set(body, begin + head.length);
  offset += bytes;
  return slab.subarray(begin, offset);
}
