import { Duplex, type PassThrough } from "node:stream";

/** One end of a connection: reads what is written to `inward`, and writes to `outward`. */
export class PairedStream extends Duplex {
  readonly #inward: PassThrough;
  readonly #outward: PassThrough;

  private constructor(inward: PassThrough, outward: PassThrough) {
    super({ allowHalfOpen: true });
    this.#inward = inward;
    this.#outward = outward;
    inward.on("data", (chunk: Buffer) => {
      if (!this.push(chunk)) {
        inward.pause();
      }
    });
    inward.on("end", () => this.push(null));
  }

  static over(inward: PassThrough, outward: PassThrough): PairedStream {
    return new PairedStream(inward, outward);
  }

  override _read(): void {
    this.#inward.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    if (this.#outward.write(chunk)) {
      callback();
    } else {
      this.#outward.once("drain", callback);
    }
  }

  override _final(callback: () => void): void {
    this.#outward.end();
    callback();
  }
}
