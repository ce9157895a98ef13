import type { ServerResponse } from "node:http";
import { streamWaitingBytesMax } from "../limits.js";
import { breakOff, sendHead } from "./answer.js";
import type { AdminResponse } from "./node-types.js";

/**
 * A response of server-sent events (HTML Standard, 9.2). A client that does not read is cut off, so
 * that what waits for it is bounded.
 */
export class EventStream {
  readonly #response: ServerResponse;

  constructor(response: AdminResponse) {
    // HTTP/2's response writes as that of HTTP/1 does, but not to the compiler.
    this.#response = response as ServerResponse;
    sendHead(response, 200, {
      "content-type": "text/event-stream",
      // For nginx, which would keep events back.
      "x-accel-buffering": "no",
    });
    // The head goes out now, so that whoever waits for the first event knows that it will come.
    this.#write(":\n\n");
  }

  /** Sends an event. `json` has no line breaks. */
  send(name: string, json: string, id?: number): void {
    const last = id === undefined ? "" : `id: ${id}\n`;
    this.#write(`event: ${name}\n${last}data: ${json}\n\n`);
  }

  /** Sends a comment, which says that the stream is still there. */
  pulse(): void {
    this.#write(":\n\n");
  }

  end(): void {
    this.#response.end();
  }

  #write(text: string): void {
    const response = this.#response;
    if (response.writableEnded || response.destroyed) {
      return;
    }
    response.write(text);
    if (response.writableLength > streamWaitingBytesMax) {
      breakOff(response);
    }
  }
}
