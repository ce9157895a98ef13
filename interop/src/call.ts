import { type IncomingMessage, request as httpRequest, type RequestOptions } from "node:http";
import { once } from "node:events";

/** What a client saw of a response, all of it. */
export interface CallResult {
  readonly status: number;
  /** As on the wire: name, value, name, value … */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly rawTrailers: readonly string[];
}

/** One request over a connection of its own, with a body that is written by and by. */
export class Call {
  readonly #request;
  /** Statuses of the informational responses so far. */
  readonly informational: number[] = [];

  constructor(url: string, options: RequestOptions = {}) {
    this.#request = httpRequest(url, { ...options, agent: false });
    // Whoever waits for the response is told. Behind it, an error only says that the rest of the upload isn't wanted.
    this.#request.on("error", () => {});
    this.#request.on("information", ({ statusCode }) => this.informational.push(statusCode));
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (!this.#request.write(chunk)) {
      await once(this.#request, "drain");
    }
  }

  end(): void {
    this.#request.end();
  }

  /** Sends the head, and nothing of the body. */
  flushHeaders(): void {
    this.#request.flushHeaders();
  }

  /** Sends the head; resolves when the server asks for the body, by a 100 (Continue). */
  async continued(): Promise<void> {
    this.#request.flushHeaders();
    await once(this.#request, "continue");
  }

  /** The head of the response; its body is to be read. */
  async response(): Promise<IncomingMessage> {
    const [response] = await once(this.#request, "response");
    return response;
  }

  /** Leaves without ado. */
  destroy(): void {
    this.#request.destroy();
  }

  /** The whole response. Throws where the transfer breaks. */
  async result(): Promise<CallResult> {
    const response = await this.response();
    const body = Buffer.concat(await response.toArray());
    return {
      status: response.statusCode ?? 0,
      rawHeaders: response.rawHeaders,
      body,
      rawTrailers: response.rawTrailers,
    };
  }
}
