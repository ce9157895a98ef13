import { randomBytes } from "node:crypto";

/** A count of up to 2^53 has so many digits to the base of 36. */
const digitsMax = 11;

const zero = 0x30;
const nine = 0x39;
const a = 0x61;
const z = 0x7a;

/**
 * Names exchanges: a random part for the host, then a count to the base of 36, so that a name costs
 * no entropy. It counts in the bytes of the name, so that a name costs one string.
 */
export class RequestIds {
  readonly #bytes: Buffer;
  readonly #countAt: number;
  #end: number;

  constructor() {
    const host = `${randomBytes(6).toString("base64url")}-`;
    this.#countAt = host.length;
    this.#bytes = Buffer.alloc(host.length + digitsMax, "0");
    this.#bytes.write(host, "latin1");
    this.#end = host.length + 1;
  }

  next(): string {
    const bytes = this.#bytes;
    let at = this.#end - 1;
    while (at >= this.#countAt && bytes[at] === z) {
      bytes[at] = zero;
      at -= 1;
    }
    if (at < this.#countAt) {
      // All digits were the last one: one more digit, in front of zeros.
      bytes[this.#countAt] = zero + 1;
      this.#end += 1;
    } else {
      bytes[at] = bytes[at] === nine ? a : (bytes[at] as number) + 1;
    }
    return bytes.toString("latin1", 0, this.#end);
  }
}
