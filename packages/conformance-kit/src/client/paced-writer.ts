import type { Writable } from "node:stream";

/** Writes to a stream, waits for room, and counts what left. */
export class PacedWriter {
  /** Bytes that the stream has handed on to the kernel or to its HTTP/2 session. */
  sentBytes = 0;

  readonly #stream: Writable;
  readonly #failed: () => Error | undefined;

  constructor(stream: Writable, failed: () => Error | undefined) {
    this.#stream = stream;
    this.#failed = failed;
  }

  /** Settles when there is room for more; rejects when the stream failed meanwhile. */
  write(chunk: Uint8Array): Promise<void> {
    const earlier = this.#failed();
    if (earlier !== undefined) {
      return Promise.reject(earlier);
    }
    const room = this.#stream.write(chunk, (error) => {
      if (error === null || error === undefined) {
        this.sentBytes += chunk.byteLength;
      }
    });
    return room ? Promise.resolve() : this.#room();
  }

  #room(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        this.#stream.off("drain", settle);
        this.#stream.off("close", settle);
        const error = this.#failed();
        if (error === undefined) {
          resolve();
        } else {
          reject(error);
        }
      };
      this.#stream.on("drain", settle);
      this.#stream.on("close", settle);
    });
  }
}
