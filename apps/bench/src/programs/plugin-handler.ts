import type { PluginRequest, ResponseWriter, ServeHTTP } from "@servehttp/plugin-sdk";

import type { BenchExchange } from "./bench-exchange.js";
import { serveBench } from "./serve-bench.js";
import { serveTunnel } from "./serve-tunnel.js";

/** The bench's handler on the plugin SDK. */
export const serveHTTP: ServeHTTP = async (request, response) => {
  if (request.url.startsWith("/tunnel?")) {
    const { socket, head } = await response.hijack();
    await serveTunnel(socket, head, request.url);
    return;
  }
  await serveBench(new PluginExchange(request, response));
};

class PluginExchange implements BenchExchange {
  readonly #request: PluginRequest;
  readonly #response: ResponseWriter;

  constructor(request: PluginRequest, response: ResponseWriter) {
    this.#request = request;
    this.#response = response;
  }

  get method(): string {
    return this.#request.method;
  }

  get url(): string {
    return this.#request.url;
  }

  get body(): AsyncIterable<Uint8Array> {
    return this.#request.body;
  }

  head(status: number, fields: ReadonlyArray<readonly [string, string]>): void {
    const { headers } = this.#response;
    for (const [name, value] of fields) {
      headers.set(name, value);
    }
    this.#response.writeHead(status);
  }

  write(chunk: Uint8Array): Promise<unknown> {
    return this.#response.write(chunk);
  }

  end(chunk?: Uint8Array): Promise<unknown> {
    return this.#response.end(chunk);
  }

  onClose(listener: () => void): void {
    this.#request.signal.addEventListener("abort", listener, { once: true });
  }
}
