/*
 * Memory that a wide read has filled, and that is freed by hand once nobody needs any of it. Left to
 * the collector, tens of megabytes wait for it, so that each read gets memory that no cache holds.
 * `bench -- --case down` shows what it saves.
 *
 * Whoever makes a view that outlives the read counts it (`noteView`), and whoever needs it no more
 * returns it (`returnView`). A view that is never returned leaves all to the collector, and so does
 * memory of which no view was counted. So to forget one is safe; to return one twice is not, nor to
 * keep a view that was not counted beside others that were.
 */

interface Lent {
  /** Views that are out; undefined before the first one. */
  views: number | undefined;
  /** Whether no more views will be made. */
  over: boolean;
}

const lentMemory = new WeakMap<ArrayBufferLike, Lent>();

/** From now on, views of this memory are counted. */
export function lendMemory(memory: ArrayBufferLike): void {
  lentMemory.set(memory, { views: undefined, over: false });
}

/** A view was made that outlives the read. */
export function noteView(memory: ArrayBufferLike): void {
  const lent = lentMemory.get(memory);
  if (lent !== undefined) {
    lent.views = (lent.views ?? 0) + 1;
  }
}

/** No more views of the memory will be made: it is freed once all are returned. */
export function endLending(memory: ArrayBufferLike): void {
  const lent = lentMemory.get(memory);
  if (lent !== undefined) {
    lent.over = true;
    freeUnused(memory, lent);
  }
}

/** Whether the memory of a chunk is freed once it has been returned. */
export function isLent(chunk: Uint8Array): boolean {
  return lentMemory.has(chunk.buffer);
}

/** Nobody needs a chunk of a response any more. It reads as empty from here on. */
export function returnView(chunk: Uint8Array): void {
  const lent = lentMemory.get(chunk.buffer);
  if (lent?.views !== undefined) {
    lent.views -= 1;
    freeUnused(chunk.buffer, lent);
  }
}

function freeUnused(memory: ArrayBufferLike, { over, views }: Lent): void {
  if (over && views === 0) {
    lentMemory.delete(memory);
    (memory as ArrayBuffer).transfer(0);
  }
}
