import { muxWindowBytes, Room, type ResponseParts, type ServeHTTPError } from "@servehttp/contract";
import { BodyReader } from "../exchange/body-reader.js";

/**
 * The body of a response in memory. Like a carrier it holds 256 KiB for a client that does not
 * read, and then lets the plugin wait.
 */
export class MemoryResponseBody {
  readonly reader = new BodyReader();
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #isDelivering = false;
  #end: ResponseParts["end"];
  readonly #room = new Room();

  receive(parts: ResponseParts): void | Promise<void> {
    if (parts.chunk !== undefined) {
      this.#waiting.push(parts.chunk);
      this.#waitingBytes += parts.chunk.length;
    }
    this.#end ??= parts.end;
    if (!this.#isDelivering) {
      void this.#deliver();
    }
    if (this.#waitingBytes < muxWindowBytes) {
      return undefined;
    }
    return this.#room.wait();
  }

  cut(error: ServeHTTPError): void {
    this.#waiting.length = 0;
    this.reader.cut(error);
  }

  async #deliver(): Promise<void> {
    this.#isDelivering = true;
    for (let chunk = this.#waiting.shift(); chunk !== undefined; chunk = this.#waiting.shift()) {
      // oxlint-disable-next-line no-await-in-loop -- the reader takes one at a time
      await this.reader.receive(chunk, undefined);
      this.#waitingBytes -= chunk.length;
      if (this.#waitingBytes < muxWindowBytes) {
        this.#room.open();
      }
    }
    this.#isDelivering = false;
    if (this.#end !== undefined) {
      void this.reader.receive(undefined, this.#end.trailers);
    }
  }
}
