import { endLending, lendMemory } from "../wire/lent-memory.js";

/** There is always room for as much as Node reads by itself: 64 KiB. */
const roomBytesMin = 65_536;

/** A buffer for small reads: 128 KiB, half of which they share. */
const smallBytes = 131_072;

/**
 * A buffer for bulk: 256 KiB. A unix socket of Linux holds 208 KiB by default, and whoever writes is
 * woken when a quarter of that is left; so a read of all of it lets both sides work at once.
 */
const wideBytes = 262_144;

/** Less than this in one read is no bulk any more: 16 KiB. */
const bulkBytesMin = 16_384;

/**
 * Where a socket reads to. Node allocates 64 KiB for each read, whatever comes, and reads no more at
 * once. Here reads of a few bytes share a buffer, and bulk gets a wide one, which is freed once it is
 * full and all views of it are returned (`lent-memory.ts`). What was read is never overwritten.
 * `bench -- --case down` shows what it saves.
 */
export class ReadBuffers {
  #buffer = Buffer.allocUnsafeSlow(smallBytes);
  #offset = 0;
  #nextBytes = smallBytes;

  /** Where the next read goes: at least 64 KiB of room. */
  next(): Buffer {
    if (this.#buffer.length - this.#offset < roomBytesMin) {
      endLending(this.#buffer.buffer);
      this.#buffer = Buffer.allocUnsafeSlow(this.#nextBytes);
      this.#offset = 0;
      if (this.#nextBytes === wideBytes) {
        lendMemory(this.#buffer.buffer);
      }
    }
    return this.#offset === 0 ? this.#buffer : this.#buffer.subarray(this.#offset);
  }

  /** So many bytes have come where `next` said. Returns them. */
  take(bytes: number): Buffer {
    const read = this.#buffer.subarray(this.#offset, this.#offset + bytes);
    this.#offset += bytes;
    if (bytes >= roomBytesMin) {
      this.#nextBytes = wideBytes;
    } else if (bytes < bulkBytesMin) {
      this.#nextBytes = smallBytes;
    }
    return read;
  }
}
