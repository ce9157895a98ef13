import type { HeaderFields } from "../wire/header-fields.js";
import { decodeFields } from "./hpack.js";
import { HpackDynamicTable } from "./hpack-dynamic-table.js";

/**
 * Sections that are remembered: the head and the trailers of a usual response, and another of each.
 */
const sectionsMax = 4;

/** Longer ones are not remembered. */
const blockBytesMax = 512;

/**
 * Reads header sections. Where they use no dynamic table the same bytes always mean the same, and a
 * plugin begins and ends all its responses in the same way: so the last ones are remembered.
 */
export class HeaderCache {
  readonly #blocks: Buffer[] = [];
  readonly #fields: HeaderFields[] = [];
  readonly #table = new HpackDynamicTable();
  #next = 0;

  /** @throws HpackError */
  decode(block: Buffer): HeaderFields {
    for (const [index, known] of this.#blocks.entries()) {
      if (known.length === block.length && known.equals(block)) {
        return this.#fields[index] as HeaderFields;
      }
    }
    const uses = this.#table.uses;
    const fields = Object.freeze(decodeFields(block, this.#table));
    if (block.length <= blockBytesMax && uses === this.#table.uses) {
      this.#blocks[this.#next] = Buffer.from(block);
      this.#fields[this.#next] = fields;
      this.#next = (this.#next + 1) % sectionsMax;
    }
    return fields;
  }
}
