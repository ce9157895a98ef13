import type { Memo } from "@servehttp/contract";
import { fastPathRepeatedBytesMax } from "../limits.js";
import type { PlainHead } from "./plain-head.js";

/** The fields of a request that have come at least twice on their connection. */
export interface RepeatedFields {
  /** From behind the request line to the empty line, which is included. */
  readonly bytes: Buffer;
  readonly rawHeaders: readonly string[];
  readonly contentLength: number;
  readonly memo: Memo;
  /** The last head that was read with them. */
  last: PlainHead | undefined;
  /** The bytes of that head, once it has come twice. */
  lastBytes: Buffer | undefined;
}

/** What was read of a head. */
interface ReadFields {
  readonly rawHeaders: readonly string[];
  readonly contentLength: number;
  /** The length of the head. */
  readonly bytes: number;
}

/**
 * Remembers the fields of the requests on one connection. Clients that keep a connection alive
 * mostly send the same fields, byte for byte, with each request, so they need reading, judging and
 * encoding only once. They are kept from the second time on: a connection with one request, an
 * event stream for example, keeps nothing. Hot: the small GET of `apps/bench`.
 */
export class LastFields {
  #bytesOfLast = 0;
  #repeated: RepeatedFields | undefined;

  /** The last head, where this is the same once more and nothing else. */
  sameHead(bytes: Buffer): PlainHead | undefined {
    return this.#repeated?.lastBytes?.equals(bytes) === true ? this.#repeated.last : undefined;
  }

  /** The known fields, where these are what begins at `begin` and the head is not too long. */
  sameAt(bytes: Buffer, begin: number, headBytesMax: number): RepeatedFields | undefined {
    const repeated = this.#repeated;
    if (repeated === undefined) {
      return undefined;
    }
    const { length } = repeated.bytes;
    const end = begin + length;
    return end <= Math.min(bytes.length, headBytesMax) &&
      bytes.compare(repeated.bytes, 0, length, begin, end) === 0
      ? repeated
      : undefined;
  }

  /** Takes notice of the fields of a head that was read, which begin at `begin`. */
  note(bytes: Buffer, begin: number, { bytes: end, contentLength, rawHeaders }: ReadFields): void {
    const length = end - begin;
    // Fields of the same length are the same but for some counter or date.
    if (length === this.#bytesOfLast && length <= fastPathRepeatedBytesMax) {
      const copy = Buffer.from(bytes.subarray(begin, end));
      const memo = { of: rawHeaders, made: undefined };
      this.#repeated = {
        bytes: copy,
        rawHeaders,
        contentLength,
        memo,
        last: undefined,
        lastBytes: undefined,
      };
    }
    this.#bytesOfLast = length;
  }
}
