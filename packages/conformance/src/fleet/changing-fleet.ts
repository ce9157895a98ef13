import { setTimeout as delay } from "node:timers/promises";
import type { SeededRandom } from "@servehttp/testkit";
import { FleetProcess } from "./fleet-process.js";

/** An instance as those who look for it are told of it. */
export interface ListedInstance {
  readonly address: string;
  readonly terminating: boolean;
}

/** What was done to the fleet, and when, by `performance.now()`. */
export interface FleetEvent {
  readonly what: "add" | "drain" | "kill" | "block" | "unblock";
  readonly atMs: number;
}

interface RunningInstance {
  readonly address: string;
  readonly process: FleetProcess;
  terminating: boolean;
}

/** What a fleet is made with. */
export interface ChangingFleetOptions {
  readonly random: SeededRandom;
  /** Tells whoever asks where instances are. Resolves when that is what they are told. */
  readonly publish: (instances: readonly ListedInstance[]) => Promise<void>;
}

/** How long an orchestrator may take from one step to the next, at most. */
const slowMsMax = 2_000;
/** How long an instance is blocked, at most. */
const blockedMsMax = 8_000;

/** Instances of a plugin, each a process at an address of its own, which come, go, die and hang. */
export class ChangingFleet implements AsyncDisposable {
  readonly events: FleetEvent[] = [];
  /** The urls of those that were killed. */
  readonly killed = new Set<string>();
  readonly #options: ChangingFleetOptions;
  readonly #instances: RunningInstance[] = [];
  #port = 0;
  #started = 0;

  constructor(options: ChangingFleetOptions) {
    this.#options = options;
  }

  /** The port of all of them. */
  get port(): number {
    return this.#port;
  }

  get size(): number {
    return this.#instances.length;
  }

  /** Starts one more, and tells of it once it listens. */
  async add(): Promise<void> {
    this.#started += 1;
    const address = `127.0.${1 + Math.floor(this.#started / 200)}.${1 + (this.#started % 200)}`;
    const process = await FleetProcess.start([address], this.#port);
    this.#port = process.port;
    this.#instances.push({ address, process, terminating: false });
    this.#happens("add");
    await this.#publish();
  }

  /** Takes one away as an orchestrator does: it is not to get anything new, then it is asked to end. */
  async drain(): Promise<void> {
    const instance = this.#options.random.pick(this.#instances);
    instance.terminating = true;
    this.#happens("drain");
    await this.#publish();
    await this.#wait(slowMsMax);
    this.#happens("drain");
    instance.process.signal("SIGTERM");
    await instance.process.ended();
    this.#forget(instance);
    await this.#publish();
  }

  /** Kills one, of which those who look for it hear a while later, and starts another. */
  async kill(): Promise<void> {
    const instance = this.#options.random.pick(this.#instances);
    this.#happens("kill");
    this.killed.add(`http://${instance.address}:${this.#port}`);
    instance.process.signal("SIGKILL");
    await instance.process.ended();
    await this.#wait(slowMsMax);
    this.#forget(instance);
    await this.#publish();
    await this.add();
  }

  /** Has one stand still for some seconds. */
  async block(): Promise<void> {
    const { process } = this.#options.random.pick(this.#instances);
    this.#happens("block");
    process.signal("SIGSTOP");
    await this.#wait(blockedMsMax);
    process.signal("SIGCONT");
    this.#happens("unblock");
  }

  /** Adds or drains as many at once as it takes. */
  async resize(size: number): Promise<void> {
    while (this.size < size) {
      await this.add();
    }
    while (this.size > size) {
      await this.drain();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#instances.map(({ process }) => process[Symbol.asyncDispose]()));
  }

  #forget(instance: RunningInstance): void {
    this.#instances.splice(this.#instances.indexOf(instance), 1);
  }

  #publish(): Promise<void> {
    return this.#options.publish(
      this.#instances.map(({ address, terminating }) => ({ address, terminating })),
    );
  }

  #happens(what: FleetEvent["what"]): void {
    this.events.push({ what, atMs: performance.now() });
  }

  #wait(msMax: number): Promise<void> {
    return delay(this.#options.random.integer(0, msMax));
  }
}
