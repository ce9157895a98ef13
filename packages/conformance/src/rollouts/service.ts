import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import type { Deployment } from "./deployment.js";

/**
 * One address in front of the pods of a Deployment, as kube-proxy makes it: each new connection goes to
 * one that is ready and does not end, or, where there is none, to one that ends but serves still.
 * Connections that are open stay where they are.
 */
export class Service implements AsyncDisposable {
  readonly #server: Server;
  #addresses: readonly string[] = [];
  #next = 0;

  private constructor(of: Deployment) {
    of.watch((pods) => {
      const serving = pods.filter(({ isReady }) => isReady);
      const staying = serving.filter(({ isTerminating }) => !isTerminating);
      this.#addresses = (staying.length > 0 ? staying : serving).map(({ address }) => address);
    });
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      this.#next += 1;
      const address = this.#addresses[this.#next % this.#addresses.length];
      if (address === undefined) {
        client.destroy();
        return;
      }
      const { hostname, port } = new URL(`tcp://${address}`);
      const pod = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
      client.pipe(pod).pipe(client);
      // What breaks on one side breaks on the other.
      client.on("error", () => pod.destroy()).on("close", () => pod.destroy());
      pod.on("error", () => client.destroy()).on("close", () => client.destroy());
    });
  }

  static async open(of: Deployment): Promise<Service> {
    const service = new Service(of);
    service.#server.listen(0, "127.0.0.1");
    await once(service.#server, "listening");
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }
}
