/**
 * Bytes of lines that are put together in place. Whoever writes knows that there is room. Hot: what
 * is written is short, so that a loop is quicker than a call into the engine.
 */
export class LineBytes {
  readonly #bytes: Buffer;
  #length = 0;

  constructor(bytesMax: number) {
    // Not of the pool that small buffers share.
    this.#bytes = Buffer.allocUnsafeSlow(bytesMax);
  }

  /** How many have been written. */
  get length(): number {
    return this.#length;
  }

  /** How many more there is room for. */
  get room(): number {
    return this.#bytes.length - this.#length;
  }

  /** What has been written, until something else is. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of what has been written from there on. */
  copyFrom(start: number): Uint8Array {
    return Uint8Array.from(this.#bytes.subarray(start, this.#length));
  }

  /** Begins anew. */
  clear(): void {
    this.#length = 0;
  }

  /** Any text, in UTF-8: at most three bytes for each unit of its length. */
  text(text: string): void {
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Returns where it begins. */
  copy(bytes: Uint8Array): number {
    const start = this.#length;
    this.#bytes.set(bytes, start);
    this.#length = start + bytes.length;
    return start;
  }

  /** A text as JSON has it, in quotes: at most `jsonBytesMax`. */
  json(text: string): void {
    const bytes = this.#bytes;
    const { length } = text;
    const start = this.#length + 1;
    bytes[start - 1] = quote;
    for (let at = 0; at < length; at += 1) {
      const code = text.charCodeAt(at);
      if (!isPlainCode(code)) {
        this.text(JSON.stringify(text));
        return;
      }
      bytes[start + at] = code;
    }
    bytes[start + length] = quote;
    this.#length = start + length + 1;
  }

  /** Writes a plain text over what is there, without quotes. */
  plainAt(start: number, text: string): void {
    const bytes = this.#bytes;
    for (let at = 0; at < text.length; at += 1) {
      bytes[start + at] = text.charCodeAt(at);
    }
  }

  /** A whole number: at most `numberBytesMax`. */
  whole(value: number): void {
    if (value < 0 || value > int32Max) {
      this.text(String(value));
      return;
    }
    let count = 1;
    for (let power = 10; power <= value; power *= 10) {
      count += 1;
    }
    this.#digitsAt(this.#length, value, count);
    this.#length += count;
  }

  /** Milliseconds, to a microsecond: at most `numberBytesMax`. */
  milliseconds(ms: number): void {
    const thousandths = Math.round(ms * 1_000);
    const whole = Math.floor(thousandths / 1_000);
    this.whole(whole);
    this.#bytes[this.#length] = point;
    this.#digitsAt(this.#length + 1, thousandths - whole * 1_000, 3);
    this.#length += 4;
  }

  /** Writes a time over what is there: `timeBytes`, with spaces in front where it is shorter. */
  timeAt(start: number, unixMs: number): void {
    const millions = Math.floor(unixMs / 1_000_000);
    if (millions < 1_000_000 || millions >= 10_000_000) {
      // The machine does not know what time it is.
      this.#bytes.write(String(unixMs).padStart(timeBytes).slice(0, timeBytes), start);
      return;
    }
    this.#digitsAt(start, millions, timeBytes - 6);
    this.#digitsAt(start + timeBytes - 6, unixMs - millions * 1_000_000, 6);
  }

  #digitsAt(start: number, value: number, count: number): void {
    const bytes = this.#bytes;
    let left = value | 0;
    for (let at = start + count - 1; at >= start; at -= 1) {
      const next = (left / 10) | 0;
      bytes[at] = zero + left - next * 10;
      left = next;
    }
  }
}

/** Whether a text is the same in JSON, but for its quotes. */
export function isPlainText(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    if (!isPlainCode(text.charCodeAt(at))) {
      return false;
    }
  }
  return true;
}

function isPlainCode(code: number): boolean {
  return code >= 0x20 && code <= 0x7e && code !== quote && code !== backslash;
}

/** What a text takes in JSON at most: six bytes for each unit of its length, and its quotes. */
export function jsonBytesMax(text: string | undefined): number {
  return text === undefined ? 0 : text.length * 6 + 2;
}

/** What a number takes at most, such as a number of bytes that no disk holds. */
export const numberBytesMax = 24;

/** What a time takes: the digits of milliseconds since the Unix epoch, from 2001 to 2286. */
export const timeBytes = 13;

const int32Max = 0x7f_ff_ff_ff;
const quote = 0x22;
const backslash = 0x5c;
const point = 0x2e;
const zero = 0x30;
