import { ServeHTTPError } from "@servehttp/contract";

const prefixBytes = 5;

/**
 * Cuts the bytes of a gRPC stream into messages (gRPC over HTTP/2, "Length-Prefixed-Message"). Feed
 * it with `push`, then take messages with `next` until there is none.
 *
 * A message that lies in one piece of input is a view of it; one that spans pieces is copied once.
 * A message over the limit is refused by its prefix, before anything is allocated for it.
 */
export class GrpcMessageReader {
  readonly #messageBytesMax: number;
  #input: Buffer | undefined;
  #offset = 0;
  /** The beginning of a prefix that did not come in one piece. Made when it is first needed. */
  #prefix: Buffer | undefined;
  #prefixLength = 0;
  /** A message that did not come in one piece, as far as it has come. */
  #message: Buffer | undefined;
  #messageLength = 0;

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  /** Adds input. Only when `next` has returned undefined. */
  push(input: Buffer): void {
    this.#input = input;
    this.#offset = 0;
  }

  /**
   * Returns the next whole message without its prefix, or undefined when more input is needed.
   *
   * @throws ServeHTTPError `protocol-violation` for a message that is compressed, though no
   * compression was agreed on, or over the limit
   */
  next(): Buffer | undefined {
    const input = this.#input;
    if (input === undefined) {
      return undefined;
    }
    if (this.#message === undefined) {
      const length = this.#readPrefix(input);
      if (length === undefined) {
        this.#input = undefined;
        return undefined;
      }
      if (input.length - this.#offset >= length) {
        const message = input.subarray(this.#offset, this.#offset + length);
        this.#consume(input, length);
        return message;
      }
      this.#message = Buffer.allocUnsafe(length);
      this.#messageLength = 0;
    }
    const taken = input.copy(this.#message, this.#messageLength, this.#offset);
    this.#messageLength += taken;
    this.#consume(input, taken);
    if (this.#messageLength < this.#message.length) {
      return undefined;
    }
    const message = this.#message;
    this.#message = undefined;
    return message;
  }

  #consume(input: Buffer, length: number): void {
    this.#offset += length;
    if (this.#offset === input.length) {
      this.#input = undefined;
    }
  }

  #readPrefix(input: Buffer): number | undefined {
    let prefix = input;
    let at = this.#offset;
    if (this.#prefixLength > 0 || input.length - at < prefixBytes) {
      this.#prefix ??= Buffer.alloc(prefixBytes);
      const taken = input.copy(this.#prefix, this.#prefixLength, at);
      this.#prefixLength += taken;
      this.#offset += taken;
      if (this.#prefixLength < prefixBytes) {
        return undefined;
      }
      prefix = this.#prefix;
      at = 0;
      this.#prefixLength = 0;
    } else {
      this.#offset += prefixBytes;
    }
    if (prefix[at] !== 0) {
      throw new ServeHTTPError(
        "protocol-violation",
        `a message with compression flag ${prefix[at]}, though no compression was agreed on`,
      );
    }
    const length = prefix.readUInt32BE(at + 1);
    if (length > this.#messageBytesMax) {
      throw new ServeHTTPError(
        "protocol-violation",
        `a message of ${length} bytes; at most ${this.#messageBytesMax} are allowed`,
      );
    }
    return length;
  }
}
