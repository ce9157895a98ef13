import type { Readable } from "node:stream";

/**
 * Reads a stream chunk by chunk without reading ahead, and tells a clean end from a broken one.
 *
 * @param broken - called at the end: returns the error if the transfer was broken all the same
 */
export class ChunkReader {
  readonly #stream: Readable;
  #state: { at: "open" } | { at: "ended" } | { at: "failed"; error: Error } = { at: "open" };
  #changed = Promise.withResolvers<void>();

  constructor(stream: Readable, broken: () => Error | undefined) {
    this.#stream = stream;
    stream.on("readable", () => {
      this.#wake();
    });
    // The end of an HTTP/2 stream that was reset comes before the code of its reset.
    stream.on("end", () => {
      setImmediate(() => {
        this.#settle(broken());
      });
    });
    stream.on("error", (error) => {
      this.#settle(error);
    });
    stream.on("close", () => {
      this.#settle(broken() ?? (stream.readableEnded ? undefined : new Error("closed too early")));
    });
  }

  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.#stream.read() as Buffer | null;
      if (chunk !== null) {
        return chunk;
      }
      if (this.#state.at === "failed") {
        throw this.#state.error;
      }
      if (this.#state.at === "ended") {
        return undefined;
      }
      await this.#changed.promise;
    }
  }

  async rest(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for (let chunk = await this.read(); chunk !== undefined; chunk = await this.read()) {
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  #settle(error: Error | undefined): void {
    if (this.#state.at === "open") {
      this.#state = error === undefined ? { at: "ended" } : { at: "failed", error };
    }
    this.#wake();
  }

  #wake(): void {
    const changed = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    changed.resolve();
  }
}
