import type { TestCluster } from "./test-cluster.js";
import { podPort } from "./pod.js";

/** What a slice says of a pod. */
export interface SliceEntry {
  readonly address: string;
  /** Default: it is ready. */
  readonly conditions?: Readonly<Record<"ready" | "serving" | "terminating", boolean>> | undefined;
  /** The zone of its hint. Default: it has none. */
  readonly zone?: string | undefined;
}

export const notReady = { ready: false, serving: false, terminating: false };
export const terminating = { ready: false, serving: true, terminating: true };

/** The EndpointSlices of the Service `search`, written as the controller of Kubernetes writes them. */
export class EndpointSlices {
  readonly #cluster: TestCluster;
  readonly #path: string;
  readonly #known = new Set<string>();

  constructor(cluster: TestCluster, namespace: string) {
    this.#cluster = cluster;
    this.#path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  }

  async remove(name: string): Promise<void> {
    await this.#cluster.ask("DELETE", `${this.#path}/${name}`);
    this.#known.delete(name);
  }

  async put(name: string, entries: readonly SliceEntry[]): Promise<void> {
    const body = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name, labels: { "kubernetes.io/service-name": "search" } },
      addressType: "IPv4",
      ports: [{ name: "grpc", port: podPort, protocol: "TCP" }],
      endpoints: entries.map(({ address, conditions, zone }) => ({
        addresses: [address],
        conditions: conditions ?? { ready: true, serving: true, terminating: false },
        ...(zone !== undefined && { zone, hints: { forZones: [{ name: zone }] } }),
      })),
    };
    const isKnown = this.#known.has(name);
    const [method, path] = isKnown ? ["PUT", `${this.#path}/${name}`] : ["POST", this.#path];
    await this.#cluster.ask(method, path, body);
    this.#known.add(name);
  }
}
