/** What HTTP/2 gives a table before anybody says otherwise (RFC 9113, section 6.5.2). */
const tableBytesMax = 4_096;

/** What an entry counts for beside its name and value (RFC 7541, section 4.1). */
const entryBytes = 32;

/**
 * The fields that the other side has put into the table of its header sections (RFC 7541, section
 * 2.3.2), of at most 4,096 bytes.
 */
export class HpackDynamicTable {
  /** How often the table was read or written: a section that leaves it as it was needs no table. */
  uses = 0;
  readonly #entries: (readonly [name: string, value: string])[] = [];
  #bytes = 0;
  #bytesMax = tableBytesMax;

  /** The entry so many places behind the newest. */
  entry(place: number): readonly [name: string, value: string] | undefined {
    this.uses += 1;
    return this.#entries[this.#entries.length - 1 - place];
  }

  /** Adds the newest entry. One that is larger than the table empties it. */
  add(name: string, value: string): void {
    this.uses += 1;
    this.#bytes += bytesOf(name, value);
    this.#entries.push([name, value]);
    this.#evict();
  }

  /** Sets how much the table may hold. Returns false where that is more than it ever may. */
  resize(bytesMax: number): boolean {
    this.uses += 1;
    this.#bytesMax = bytesMax;
    this.#evict();
    return bytesMax <= tableBytesMax;
  }

  #evict(): void {
    let count = 0;
    while (this.#bytes > this.#bytesMax) {
      const [name, value] = this.#entries[count] as readonly [string, string];
      this.#bytes -= bytesOf(name, value);
      count += 1;
    }
    this.#entries.splice(0, count);
  }
}

function bytesOf(name: string, value: string): number {
  return name.length + value.length + entryBytes;
}
