import { ServeHTTPError } from "@servehttp/contract";
import { timerMsMax } from "../limits.js";
import type { Clock } from "../process/clock.js";
import type { Instance, LeadingInstance } from "./instance-group.js";
import type { InstancesOfPlugin, Replacement } from "./plugin-instances.js";
import type { ProcessNews, SupervisedPlugin, SupervisedProcess } from "./supervised-plugin.js";

/** What connections to a plugin of a supervisor are made with. */
export interface FollowedInstancesOptions {
  readonly pluginId: string;
  /** What the supervisor has said of the plugin so far. */
  readonly seen: () => SupervisedPlugin | undefined;
  /** Makes a connection to a process of it. */
  readonly make: (process: SupervisedProcess) => Instance;
  readonly onNews: (key: string, news: ProcessNews) => void;
  readonly onChange: () => void;
  readonly clock: Clock;
}

/** A process with this host's connection to it. */
interface Followed {
  readonly process: SupervisedProcess;
  readonly instance: Instance;
}

/**
 * The instances of a plugin whose processes a supervisor starts, ends and replaces: a connection of
 * this host's own to each of them, as long as the supervisor says that it is there.
 */
export class FollowedInstances implements InstancesOfPlugin {
  readonly needsAll = true;
  readonly #options: FollowedInstancesOptions;
  #seen: SupervisedPlugin | undefined;
  #seenAtMs = 0;
  #state: "stopped" | "running" | "removed" = "stopped";
  readonly #followed = new Map<string, Followed>();
  readonly #leaving = new Map<string, Instance>();
  #current: readonly Instance[] = [];
  #wasStarted = false;
  /** Settles the promises of `start`. */
  #starting: PromiseWithResolvers<void> | undefined;

  constructor(options: FollowedInstancesOptions) {
    this.#options = options;
  }

  get current(): readonly Instance[] {
    return this.#current;
  }

  get leading(): LeadingInstance | undefined {
    if (this.#state !== "running") {
      return [...this.#leaving.values()][0];
    }
    const [first] = this.#current;
    return this.#current.find(({ state }) => state === "ready") ?? first ?? this.#toldOf;
  }

  get restarts(): number {
    return this.#seen?.restarts ?? 0;
  }

  /** None: the supervisor measures its processes. */
  get pids(): readonly number[] {
    return [];
  }

  get nextAttemptMs(): number {
    if (this.#state !== "running") {
      return Number.POSITIVE_INFINITY;
    }
    const own = Array.from(this.#followed.values(), ({ instance }) => instance.nextAttemptMs);
    return Math.min(this.#supervisorsAttemptMs, ...own);
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }

  get wasStarted(): boolean {
    return this.#wasStarted;
  }

  /**
   * Connects to the processes that there are, and will be. Resolves when one of them is connected,
   * or the supervisor has stopped the plugin. Rejects where the plugin does not start.
   *
   * @throws ServeHTTPError `unavailable` for a plugin that was removed
   */
  async start(): Promise<void> {
    if (this.#state === "removed") {
      throw new ServeHTTPError("unavailable", `plugin ${this.#options.pluginId} was removed`);
    }
    this.#wasStarted = true;
    this.#state = "running";
    this.#starting ??= Promise.withResolvers<void>();
    const { promise } = this.#starting;
    const seen = this.#options.seen();
    if (seen !== undefined) {
      this.follow(seen);
    }
    await promise;
  }

  /** The supervisor has said something of the plugin. */
  follow(seen: SupervisedPlugin): void {
    this.#seen = seen;
    this.#seenAtMs = this.#options.clock.nowMs();
    this.#reconcile();
  }

  /** The supervisor ends a process: what runs on it has had its time, but for tunnels if they have more. */
  giveUp(key: string, tunnels: boolean, reason: ServeHTTPError): void {
    // A millisecond for exchanges gives tunnels their second more.
    void this.#leaving.get(key)?.stop(tunnels ? 0 : 1, reason);
  }

  /** Ends the connections of this host alone. */
  async stop(drainMs: number, reason: ServeHTTPError): Promise<void> {
    if (this.#state !== "removed") {
      this.#state = "stopped";
    }
    this.#takeStarting()?.reject(reason);
    for (const [key, { instance }] of this.#followed) {
      this.#leave(key, instance, drainMs, reason);
    }
    this.#followed.clear();
    this.#choose();
    await Promise.all(
      Array.from(this.#leaving.values(), (instance) => instance.stop(drainMs, reason)),
    );
    this.#options.onChange();
  }

  async remove(drainMs: number, reason: ServeHTTPError): Promise<void> {
    const stopped = this.stop(drainMs, reason);
    this.#state = "removed";
    await stopped;
  }

  reload(): Promise<never> {
    const { pluginId } = this.#options;
    return Promise.reject(
      new ServeHTTPError(
        "invalid-argument",
        `plugin ${pluginId} runs at the supervisor: call reload of the host there`,
      ),
    );
  }

  /** Connects anew to the same processes, for other settings of the connections. */
  async prepare(make: (process: SupervisedProcess) => Instance): Promise<Replacement> {
    const isWanted = () => this.#state === "running";
    const next = Array.from(this.#followed, ([key, { process }]) => ({
      key,
      process,
      instance: make(process),
    }));
    await Promise.allSettled(next.map(({ instance }) => instance.start()));
    const reason = new ServeHTTPError("host-stopping", "the plugin's options changed");
    return {
      get isWanted() {
        return isWanted();
      },
      take: async (drainMs) => {
        const left: Promise<void>[] = [];
        for (const { key, process, instance } of next) {
          const present = this.#followed.get(key);
          if (present === undefined) {
            left.push(instance.stop(0, reason));
          } else {
            this.#followed.set(key, { process, instance });
            left.push(present.instance.stop(drainMs, reason));
          }
        }
        this.#changed();
        await Promise.all(left);
      },
      discard: async () => {
        await Promise.all(next.map(({ instance }) => instance.stop(0, reason)));
      },
    };
  }

  /** Connects to what is there, and leaves what is going. */
  #reconcile(): void {
    if (this.#state !== "running") {
      return;
    }
    const processes = this.#seen?.processes ?? [];
    const { make, onNews } = this.#options;
    for (const process of processes) {
      const { key, phase } = process;
      const present = this.#followed.get(key);
      if (phase === "leaving") {
        if (present !== undefined) {
          this.#followed.delete(key);
          const reason = new ServeHTTPError("host-stopping", "the plugin was stopped");
          // The supervisor says when its time is over.
          this.#leave(key, present.instance, timerMsMax, reason);
        } else if (!this.#leaving.has(key)) {
          onNews(key, "left");
        }
      } else if (present === undefined) {
        const instance = make(process);
        this.#followed.set(key, { process, instance });
        instance.start().then(
          () => onNews(key, "connected"),
          () => onNews(key, "failed"),
        );
      }
    }
    const keys = new Set(processes.map(({ key }) => key));
    const gone = new ServeHTTPError("connection-lost", "the plugin's process is gone");
    for (const [key, { instance }] of this.#followed) {
      if (!keys.has(key)) {
        this.#followed.delete(key);
        this.#leave(key, instance, 0, gone);
      }
    }
    for (const [key, instance] of this.#leaving) {
      if (!keys.has(key)) {
        void instance.stop(0, gone);
      }
    }
    this.#changed();
  }

  #leave(key: string, instance: Instance, drainMs: number, reason: ServeHTTPError): void {
    this.#leaving.set(key, instance);
    void instance.stop(drainMs, reason).then(() => {
      this.#leaving.delete(key);
      this.#options.onNews(key, "left");
      this.#options.onChange();
    });
  }

  #choose(): void {
    const processes = this.#state === "running" ? (this.#seen?.processes ?? []) : [];
    this.#current = processes
      .filter(({ phase }) => phase === "current")
      .toSorted((one, other) => Number(one.name) - Number(other.name))
      .flatMap(({ key }) => this.#followed.get(key)?.instance ?? []);
  }

  #changed(): void {
    this.#choose();
    this.#options.onChange();
  }

  /** Settles the promises of `start` where that can be told now: at each change of an instance. */
  settleStart(): void {
    const { pluginId } = this.#options;
    if (this.#starting === undefined || this.#seen === undefined) {
      return;
    }
    const { state, failures, isRunning } = this.#seen;
    if (!isRunning || this.#current.some((instance) => instance.state === "ready")) {
      this.#takeStarting()?.resolve();
    } else if (state === "failed" || state === "backing-off") {
      const last = failures.at(-1);
      const message = `plugin ${pluginId}: ${last?.message ?? `it is ${state}`}`;
      this.#takeStarting()?.reject(new ServeHTTPError(last?.code ?? "unavailable", message));
    }
  }

  #takeStarting(): PromiseWithResolvers<void> | undefined {
    const starting = this.#starting;
    this.#starting = undefined;
    return starting;
  }

  /** How long until the supervisor tries to start it; 0 while it does, or has said nothing yet. */
  get #supervisorsAttemptMs(): number {
    if (this.#seen === undefined) {
      return 0;
    }
    const { nextAttemptMs } = this.#seen;
    const passedMs = this.#options.clock.nowMs() - this.#seenAtMs;
    return nextAttemptMs === null
      ? Number.POSITIVE_INFINITY
      : Math.max(0, nextAttemptMs - passedMs);
  }

  /** What the supervisor says, while this host has no connection of its own. */
  get #toldOf(): LeadingInstance {
    const { state = "starting", pid, sinceUnixMs } = this.#seen ?? {};
    return {
      // Its connection is there, and this host's own will be in a moment.
      state: state === "ready" ? "starting" : state,
      pid,
      sinceUnixMs: sinceUnixMs ?? this.#options.clock.unixMs(),
      connection: undefined,
    };
  }
}
