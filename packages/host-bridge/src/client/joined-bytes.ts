/**
 * A head and a body of no more than `joinedBytesMax` as one buffer, for one write. A buffer for each
 * of them would cost more than the copy.
 */
export function joinedBytes(head: Buffer, body: Uint8Array): Buffer {
  // Of Node's pool, which small buffers share.
  const joined = Buffer.allocUnsafe(head.length + body.length);
  joined.set(head);
  joined.set(body, head.length);
  return joined;
}
