import type { ResponseInit } from "@servehttp/contract";
import { repeatedHeadBytesMax, repeatedHeadsMax } from "../limits.js";
import type { WireReader } from "./wire-reader.js";

/** A head that has come at least twice. */
interface RepeatedHead {
  readonly bytes: Buffer;
  readonly init: ResponseInit;
}

/**
 * Remembers the response heads that a plugin sends again and again, byte for byte, as for most
 * small answers. Such a head is decoded once, and whoever gets it keeps what it made of it in the
 * head's memo. Hot: the small GET of `apps/bench`.
 *
 * A head is kept when it comes the second time, in the one place that its bytes choose. So heads
 * that are never the same twice, such as those with a request id, cost no memory.
 */
export class RepeatedHeads {
  readonly #heads: (RepeatedHead | undefined)[] = Array.from({ length: repeatedHeadsMax });
  /** By place: the hash of the head that came last. */
  readonly #hashes = new Int32Array(repeatedHeadsMax);

  /** Reads the head that the reader is at, by `decode` where it is not known. */
  read(reader: WireReader, decode: (reader: WireReader) => ResponseInit): ResponseInit {
    const { buffer, offset, end } = reader;
    if (end - offset > repeatedHeadBytesMax) {
      return decode(reader);
    }
    const hash = hashOf(buffer, offset, end);
    const place = hash & (repeatedHeadsMax - 1);
    const known = this.#heads[place];
    if (known !== undefined && isAt(known.bytes, buffer, offset, end)) {
      reader.offset = end;
      return known.init;
    }
    const init = decode(reader);
    if (this.#hashes[place] !== hash) {
      this.#hashes[place] = hash;
      return init;
    }
    const repeated = { ...init, memo: { of: init.headers, made: undefined } };
    this.#heads[place] = { bytes: Buffer.from(buffer.subarray(offset, end)), init: repeated };
    return repeated;
  }
}

/** Whether these bytes and no others lie there. A loop as well. */
function isAt(bytes: Buffer, buffer: Buffer, begin: number, end: number): boolean {
  const { length } = bytes;
  if (length !== end - begin) {
    return false;
  }
  for (let at = 0; at < length; at += 1) {
    if (bytes[at] !== buffer[begin + at]) {
      return false;
    }
  }
  return true;
}

/** FNV-1a. Heads are short, and a loop is faster than a call out of JavaScript. */
function hashOf(buffer: Buffer, begin: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = begin; at < end; at += 1) {
    hash = Math.imul(hash ^ (buffer[at] as number), 0x0100_0193);
  }
  return hash ^ (hash >>> 16);
}
