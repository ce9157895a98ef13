import { getHeapSnapshot } from "node:v8";

/**
 * Takes a snapshot of this process's heap, as Chrome DevTools read it. The process stands still until
 * it is taken, and needs as much memory again as the heap has.
 */
export function heapSnapshot(): AsyncIterable<Uint8Array> {
  return getHeapSnapshot() as AsyncIterable<Buffer>;
}
