export interface ResponseEvents {
  onHead(status: number): void;
  onBody(chunk: Buffer): void;
  onEnd(): void;
}

/**
 * Reads HTTP/1.1 responses off a connection. Knows only what servers send to this bench: no interim
 * responses, no HEAD, and a length or chunks. Throws for anything else.
 */
export class ResponseReader {
  readonly #events: ResponseEvents;
  #state: "head" | "length" | "chunk-size" | "chunk" | "chunk-end" | "trailers" = "head";
  /** What is left of the body or of the chunk. */
  #leftBytes = 0;
  /** A head or a line that has not come to its end yet. */
  #pending = "";

  constructor(events: ResponseEvents) {
    this.#events = events;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      switch (this.#state) {
        case "head":
          at = this.#readTo("\r\n\r\n", chunk, at, (head) => this.#readHead(head));
          break;
        case "chunk-size":
          at = this.#readTo("\r\n", chunk, at, (line) => {
            this.#leftBytes = Number.parseInt(line, 16);
            this.#state = this.#leftBytes === 0 ? "trailers" : "chunk";
          });
          break;
        case "length":
        case "chunk":
          at = this.#readBody(chunk, at);
          break;
        case "chunk-end":
          at = this.#readTo("\r\n", chunk, at, () => (this.#state = "chunk-size"));
          break;
        case "trailers":
          at = this.#readTo("\r\n", chunk, at, (line) => {
            if (line === "") {
              this.#end();
            }
          });
          break;
      }
    }
  }

  /** Reads up to a delimiter that may lie across chunks. Returns where to go on. */
  #readTo(delimiter: string, chunk: Buffer, at: number, then: (text: string) => void): number {
    const before = this.#pending.length;
    const text = this.#pending + chunk.toString("latin1", at);
    const found = text.indexOf(delimiter, Math.max(0, before - delimiter.length + 1));
    if (found === -1) {
      this.#pending = text;
      return chunk.length;
    }
    this.#pending = "";
    then(text.slice(0, found));
    return at + found + delimiter.length - before;
  }

  #readHead(head: string): void {
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length !== undefined) {
      this.#state = "length";
      this.#leftBytes = Number(length);
    } else if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
      this.#state = "chunk-size";
    } else {
      throw new Error(`a response of unknown length: ${head}`);
    }
    this.#events.onHead(Number(head.slice(9, 12)));
    if (this.#state === "length" && this.#leftBytes === 0) {
      this.#end();
    }
  }

  #readBody(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#leftBytes);
    this.#leftBytes -= end - at;
    this.#events.onBody(chunk.subarray(at, end));
    if (this.#leftBytes === 0) {
      if (this.#state === "chunk") {
        this.#state = "chunk-end";
      } else {
        this.#end();
      }
    }
    return end;
  }

  #end(): void {
    this.#state = "head";
    this.#events.onEnd();
  }
}
