const blockBytes = 64 * 1024;

/**
 * Endless pseudo-random blocks of 64 KiB (xorshift32): the same seed gives the same bytes on both
 * sides of a transfer, so that neither has to keep them. The seed is a positive integer below 2^32.
 */
export function* seededBytes(seed: number): Generator<Uint8Array, never> {
  let state = seed >>> 0 || 1;
  for (;;) {
    const words = new Uint32Array(blockBytes / Uint32Array.BYTES_PER_ELEMENT);
    for (let index = 0; index < words.length; index++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[index] = state;
    }
    yield new Uint8Array(words.buffer);
  }
}
