import { randomFillSync } from "node:crypto";

/** How many traces are begun at once. */
const tracesAtOnce = 512;

/** Bytes of a trace's id and of a span's, one behind the other. */
const traceIdBytes = 16;
const spanIdBytes = 8;
const idsBytes = traceIdBytes + spanIdBytes;

/** `00-`, the ids, a dash between them, a dash behind them and two digits of flags. */
const parentLength = 3 + 2 * traceIdBytes + 1 + 2 * spanIdBytes + 3;

/**
 * Begins traces, many at once: draws the ids of each and of its first span, decides whether it is
 * recorded, and writes its `traceparent` (W3C Trace Context). Hot: the small GET of `apps/bench`.
 */
export class RootTraces {
  readonly #threshold: number;
  readonly #fillRandom: (bytes: Uint8Array) => unknown;
  readonly #random = new Uint8Array(tracesAtOnce * idsBytes);
  readonly #written = Buffer.alloc(tracesAtOnce * parentLength, "0");
  #used = tracesAtOnce;

  /**
   * @param share of traces that are recorded, from 0 to 1. Decides by the id as the SDK's
   *   `TraceIdRatioBasedSampler` does, so that it decides the same.
   */
  constructor(share: number, fillRandom: (bytes: Uint8Array) => unknown = randomFillSync) {
    this.#threshold = share === 1 ? 2 ** 32 : Math.floor(share * (2 ** 32 - 1));
    this.#fillRandom = fillRandom;
  }

  /** The `traceparent` of the next one. Its last digit is 1 where the trace is recorded. */
  next(): string {
    if (this.#used === tracesAtOnce) {
      this.#draw();
    }
    const start = this.#used * parentLength;
    this.#used += 1;
    // A text of its own: a slice of one for all would keep that for as long as its request lasts.
    return this.#written.toString("latin1", start, start + parentLength);
  }

  #draw(): void {
    this.#fillRandom(this.#random);
    for (let index = 0; index < tracesAtOnce; index += 1) {
      this.#write(index * idsBytes, index * parentLength);
    }
    this.#used = 0;
  }

  #write(from: number, to: number): void {
    const written = this.#written;
    const spanFrom = from + traceIdBytes;
    written[to + 2] = dash;
    this.#writeId(from, spanFrom, to + 3);
    written[to + 35] = dash;
    this.#writeId(spanFrom, from + idsBytes, to + 36);
    written[to + 52] = dash;
    written[to + parentLength - 1] = this.#isRecorded(from) ? one : zero;
  }

  /** An id of zeros alone is none. */
  #writeId(from: number, end: number, to: number): void {
    const random = this.#random;
    const written = this.#written;
    let any = 0;
    for (let at = from; at < end; at += 1) {
      any |= random[at] as number;
    }
    if (any === 0) {
      random[end - 1] = 1;
    }
    for (let at = from, place = to; at < end; at += 1, place += 2) {
      const byte = random[at] as number;
      written[place] = hexDigits[byte >> 4] as number;
      written[place + 1] = hexDigits[byte & 15] as number;
    }
  }

  /** The four parts of 32 bits of the trace's id, each over the others, are a number below the threshold. */
  #isRecorded(from: number): boolean {
    let folded = 0;
    for (let part = 0; part < 4; part += 1) {
      let byte = 0;
      for (let at = from + part; at < from + traceIdBytes; at += 4) {
        byte ^= this.#random[at] as number;
      }
      folded = folded * 256 + byte;
    }
    return folded < this.#threshold;
  }
}

const hexDigits = Buffer.from("0123456789abcdef", "latin1");
const dash = 0x2d;
const zero = 0x30;
const one = 0x31;
