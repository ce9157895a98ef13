import { once } from "node:events";
import { createServer, type Server } from "node:net";
import type { Deployment } from "./deployment.js";

/**
 * Tells hosts over a unix socket where the pods of a Deployment are, as EndpointSlices do: a line of
 * JSON with the whole list for each change, at another time for each host.
 */
export class EndpointFeed implements AsyncDisposable {
  readonly path: string;
  readonly #server: Server;

  private constructor(path: string, of: Deployment) {
    this.path = path;
    this.#server = createServer((host) => {
      const stop = of.watch((pods) => {
        const addresses = pods
          .filter(({ isReady }) => isReady)
          .map(({ address, isTerminating }) => ({
            url: `http://${address}`,
            terminating: isTerminating,
          }));
        host.write(`${JSON.stringify(addresses)}\n`);
      });
      host.on("error", () => host.destroy()).on("close", stop);
    });
  }

  static async open(path: string, of: Deployment): Promise<EndpointFeed> {
    const feed = new EndpointFeed(path, of);
    feed.#server.listen(path);
    await once(feed.#server, "listening");
    return feed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }
}
