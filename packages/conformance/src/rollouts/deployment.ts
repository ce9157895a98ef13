import { setTimeout as delay } from "node:timers/promises";
import type { SeededRandom } from "@servehttp/testkit";
import { Pod, type PodProgram, type PodState } from "./pod.js";
import type { ShippedPods } from "./shipped-pods.js";

/** Takes the pods that there are, each time when something has changed. */
export type PodWatcher = (pods: readonly PodState[]) => void;

/**
 * How late whoever watches may learn of a change, in milliseconds: the endpoint controller, the API
 * server, and kube-proxy or a host one behind the other.
 */
const lateMsMax = 2_000;

/** How long a pod may take until it is ready, in milliseconds. */
const readyMsMax = 60_000;

/** Pods of one program, replaced as a Deployment does it: one more, then one less. */
export class Deployment implements AsyncDisposable {
  readonly #program: () => PodProgram;
  readonly #shipped: ShippedPods;
  readonly #random: SeededRandom;
  readonly #watchers = new Set<PodWatcher>();
  readonly #pods: Pod[] = [];
  readonly #ending = new Set<Promise<void>>();
  /** Pods that had to be killed. */
  killed = 0;

  constructor(program: () => PodProgram, shipped: ShippedPods, random: SeededRandom) {
    this.#program = program;
    this.#shipped = shipped;
    this.#random = random;
  }

  /** Starts so many pods. Resolves when all are ready. */
  async start(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#add()));
  }

  /** Tells all changes from now on, some late and each watcher at another time. */
  watch(watcher: PodWatcher): () => void {
    this.#watchers.add(watcher);
    watcher(this.#states);
    return () => this.#watchers.delete(watcher);
  }

  /** Replaces all pods, one by one. Resolves when the last old one has ended. */
  async roll(): Promise<void> {
    const before = this.#pods.slice();
    for (const old of before) {
      await this.#add();
      await delay(this.#shipped.minReadySeconds * 1_000);
      const ending = this.#end(old);
      this.#ending.add(ending);
      void ending.then(() => this.#ending.delete(ending));
    }
    await Promise.all(this.#ending);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#pods].map((pod) => this.#end(pod)));
  }

  get #states(): readonly PodState[] {
    return this.#pods.map(({ state }) => state);
  }

  async #add(): Promise<void> {
    const pod = await Pod.start(this.#program(), this.#shipped, () => this.#tell());
    this.#pods.push(pod);
    this.#tell();
    for (const beganMs = performance.now(); !pod.state.isReady; await delay(50)) {
      if (performance.now() - beganMs > readyMsMax) {
        throw new Error(`the pod at ${pod.state.address} is not ready`);
      }
    }
  }

  async #end(pod: Pod): Promise<void> {
    await pod.end();
    this.killed += pod.wasKilled ? 1 : 0;
    this.#pods.splice(this.#pods.indexOf(pod), 1);
    this.#tell();
  }

  #tell(): void {
    for (const watcher of this.#watchers) {
      // What is told late is what is then.
      setTimeout(() => watcher(this.#states), this.#random.integer(0, lateMsMax)).unref();
    }
  }
}
