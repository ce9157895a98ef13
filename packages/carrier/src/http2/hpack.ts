import type { HeaderFields } from "../wire/header-fields.js";
import type { HpackDynamicTable } from "./hpack-dynamic-table.js";
import { decodeHuffman } from "./hpack-huffman.js";

/*
 * HPACK (RFC 7541). Both ends say that what they read knows no dynamic table
 * (SETTINGS_HEADER_TABLE_SIZE 0). What is written uses one only where every request of a connection
 * has the same fields.
 */

/** What a peer's dynamic table may hold until it says otherwise (RFC 9113, section 6.5.2). */
export const initialTableBytes = 4_096;

/** What an entry of the dynamic table counts for beside its bytes (section 4.1). */
const entryBytes = 32;

/** The first index behind the static table. */
const dynamicIndex = 62;

/** A header section that is none. */
export class HpackError extends Error {}

/** Writes a header section: names and values as they are. */
export function encodeFields(fields: HeaderFields): Buffer {
  const octets: number[] = [];
  for (const [name, value] of Object.entries(fields)) {
    // A literal that goes into no table, under a new name (section 6.2.2).
    octets.push(0x00);
    pushString(octets, name);
    pushString(octets, value);
  }
  return Buffer.from(octets);
}

/**
 * Writes a header section that puts its fields into the other side's table, but for those that
 * every table has. `tableBytes` is what they count for there.
 */
export function encodeIndexing(fields: HeaderFields): { block: Buffer; tableBytes: number } {
  const octets: number[] = [];
  let tableBytes = 0;
  for (const [name, value] of Object.entries(fields)) {
    const index = staticIndexOf(name, value);
    if (index === undefined) {
      octets.push(0x40);
      pushString(octets, name);
      pushString(octets, value);
      tableBytes += name.length + value.length + entryBytes;
    } else {
      octets.push(0x80 | index);
    }
  }
  return { block: Buffer.from(octets), tableBytes };
}

/** Writes the same section again, once the other side has it in its table and nothing else. */
export function encodeIndexed(fields: HeaderFields): Buffer {
  const octets: number[] = [];
  const entries = Object.entries(fields);
  let left = entries.filter(([name, value]) => staticIndexOf(name, value) === undefined).length;
  for (const [name, value] of entries) {
    const index = staticIndexOf(name, value);
    if (index === undefined) {
      // What came last has the lowest index.
      left -= 1;
      octets.push(0x80 | (dynamicIndex + left));
    } else {
      octets.push(0x80 | index);
    }
  }
  return Buffer.from(octets);
}

function staticIndexOf(name: string, value: string): number | undefined {
  const at = staticTable.findIndex((entry) => entry[0] === name && entry[1] === value);
  return at === -1 ? undefined : at + 1;
}

/**
 * Reads a header section. With a table, one that refers to fields of earlier sections is read as
 * well: servers on Bun 1.4 go on using theirs whatever their peer has said.
 *
 * @throws HpackError
 */
export function decodeFields(block: Uint8Array, table?: HpackDynamicTable): HeaderFields {
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  const reader = new BlockReader(block);
  let begun = false;
  while (!reader.done) {
    const octet = reader.peek();
    if (octet >= 0x80) {
      const [name, value] = tableEntry(reader.integer(7), table);
      add(fields, name, value);
    } else if (octet >= 0x20 && octet < 0x40) {
      // The size of the dynamic table, in front of all fields (section 4.2).
      const bytesMax = reader.integer(5);
      if (begun || !(table?.resize(bytesMax) ?? bytesMax === 0)) {
        throw new HpackError("a dynamic table that was not allowed");
      }
      continue;
    } else {
      // A literal: to be indexed (6 bits), not to be, or never to be (4 bits).
      const index = reader.integer(octet >= 0x40 ? 6 : 4);
      const name = index === 0 ? reader.string() : tableEntry(index, table)[0];
      const value = reader.string();
      if (octet >= 0x40) {
        table?.add(name, value);
      }
      add(fields, name, value);
    }
    begun = true;
  }
  return fields;
}

function add(fields: Record<string, string>, name: string, value: string): void {
  const before = fields[name];
  fields[name] = before === undefined ? value : `${before}, ${value}`;
}

function pushString(octets: number[], text: string): void {
  const bytes = Buffer.from(text, "latin1");
  pushLength(octets, bytes.length);
  octets.push(...bytes);
}

/** A length of plain bytes: an integer of 7 bits (section 5.1). */
function pushLength(octets: number[], length: number): void {
  if (length < 0x7f) {
    octets.push(length);
    return;
  }
  octets.push(0x7f);
  let rest = length - 0x7f;
  while (rest >= 0x80) {
    octets.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  octets.push(rest);
}

class BlockReader {
  readonly #block: Uint8Array;
  #offset = 0;

  constructor(block: Uint8Array) {
    this.#block = block;
  }

  get done(): boolean {
    return this.#offset === this.#block.length;
  }

  peek(): number {
    const octet = this.#block[this.#offset];
    if (octet === undefined) {
      throw new HpackError("a header section that stops within a field");
    }
    return octet;
  }

  integer(prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = this.peek() & mask;
    this.#offset += 1;
    if (value < mask) {
      return value;
    }
    for (let shift = 0; ; shift += 7) {
      const octet = this.peek();
      this.#offset += 1;
      if (shift > 21) {
        throw new HpackError("an integer that is too large");
      }
      value += (octet & 0x7f) << shift;
      if (octet < 0x80) {
        return value;
      }
    }
  }

  string(): string {
    const isCoded = this.peek() >= 0x80;
    const length = this.integer(7);
    const end = this.#offset + length;
    if (end > this.#block.length) {
      throw new HpackError("a string that is longer than its header section");
    }
    const octets = this.#block.subarray(this.#offset, end);
    this.#offset = end;
    const text = isCoded ? decodeHuffman(octets) : Buffer.from(octets).toString("latin1");
    if (text === undefined) {
      throw new HpackError("a string that is not in the Huffman code");
    }
    return text;
  }
}

function tableEntry(index: number, table?: HpackDynamicTable): readonly [string, string] {
  const entry = staticTable[index - 1] ?? table?.entry(index - 1 - staticTable.length);
  if (entry === undefined) {
    throw new HpackError(`an index of ${index}, which no table has`);
  }
  return entry;
}

/** RFC 7541, appendix A. */
const staticTable: readonly (readonly [string, string])[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ["accept-language", ""],
  ["accept-ranges", ""],
  ["accept", ""],
  ["access-control-allow-origin", ""],
  ["age", ""],
  ["allow", ""],
  ["authorization", ""],
  ["cache-control", ""],
  ["content-disposition", ""],
  ["content-encoding", ""],
  ["content-language", ""],
  ["content-length", ""],
  ["content-location", ""],
  ["content-range", ""],
  ["content-type", ""],
  ["cookie", ""],
  ["date", ""],
  ["etag", ""],
  ["expect", ""],
  ["expires", ""],
  ["from", ""],
  ["host", ""],
  ["if-match", ""],
  ["if-modified-since", ""],
  ["if-none-match", ""],
  ["if-range", ""],
  ["if-unmodified-since", ""],
  ["last-modified", ""],
  ["link", ""],
  ["location", ""],
  ["max-forwards", ""],
  ["proxy-authenticate", ""],
  ["proxy-authorization", ""],
  ["range", ""],
  ["referer", ""],
  ["refresh", ""],
  ["retry-after", ""],
  ["server", ""],
  ["set-cookie", ""],
  ["strict-transport-security", ""],
  ["transfer-encoding", ""],
  ["user-agent", ""],
  ["vary", ""],
  ["via", ""],
  ["www-authenticate", ""],
];
