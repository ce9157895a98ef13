import { noteView } from "./lent-memory.js";

/** So much may be kept in memory by a view of whatever size: 128 KiB, a buffer for small reads. */
const keptBytesMax = 131_072;

/**
 * A view may keep sixteen times as many bytes in memory as it has, as 4 KiB of a read of Node's do.
 */
const keptTimesMax = 16;

/**
 * Some of the bytes of a buffer: as a view, unless it would keep much more than itself in memory
 * for as long as somebody holds it. A wide read of a socket may hold a few bytes for each of a
 * hundred exchanges, one of which waits for its client.
 */
export function viewOrCopy(buffer: Buffer, begin: number, end: number): Buffer {
  const bytes = end - begin;
  const { byteLength } = buffer.buffer;
  if (byteLength <= keptBytesMax) {
    return buffer.subarray(begin, end);
  }
  if (keptTimesMax * bytes >= byteLength) {
    noteView(buffer.buffer);
    return buffer.subarray(begin, end);
  }
  const copy = Buffer.allocUnsafe(bytes);
  buffer.copy(copy, 0, begin, end);
  return copy;
}
