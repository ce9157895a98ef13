import type { HeaderFields } from "../wire/header-fields.js";
import { decodeFields } from "./hpack.js";

/**
 * Sections that are remembered: the head and the trailers of a usual response, and another of each.
 */
const sectionsMax = 4;

/** Longer ones are not remembered. */
const blockBytesMax = 512;

/**
 * Reads header sections. Without a dynamic table the same bytes always mean the same, and a plugin
 * begins and ends all its responses in the same way: so the last ones are remembered.
 */
export class HeaderCache {
  readonly #blocks: Buffer[] = [];
  readonly #fields: HeaderFields[] = [];
  #next = 0;

  /** @throws HpackError */
  decode(block: Buffer): HeaderFields {
    for (const [index, known] of this.#blocks.entries()) {
      if (known.length === block.length && known.equals(block)) {
        return this.#fields[index] as HeaderFields;
      }
    }
    const fields = Object.freeze(decodeFields(block));
    if (block.length <= blockBytesMax) {
      this.#blocks[this.#next] = Buffer.from(block);
      this.#fields[this.#next] = fields;
      this.#next = (this.#next + 1) % sectionsMax;
    }
    return fields;
  }
}
