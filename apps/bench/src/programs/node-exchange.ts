import type { IncomingMessage, ServerResponse } from "node:http";

import type { BenchExchange } from "./bench-exchange.js";

/** A request and response of `node:http` for the bench's handler. */
export class NodeExchange implements BenchExchange {
  readonly method: string;
  readonly url: string;
  readonly body: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.method = request.method ?? "GET";
    this.url = request.url ?? "/";
    this.body = request;
    this.#response = response;
  }

  head(status: number, fields: ReadonlyArray<readonly [string, string]>): void {
    this.#response.writeHead(status, fields.flat());
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    const response = this.#response;
    if (response.write(chunk) || response.destroyed) {
      return undefined;
    }
    return new Promise((resolve) => {
      const settle = () => {
        response.off("drain", settle).off("close", settle);
        resolve();
      };
      response.on("drain", settle).on("close", settle);
    });
  }

  end(chunk?: Uint8Array): undefined {
    this.#response.end(chunk);
  }

  onClose(listener: () => void): void {
    this.#response.once("close", listener);
  }
}
