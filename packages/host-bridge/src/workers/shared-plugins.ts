import type { Logger, ServeHTTPError } from "@servehttp/contract";
import type { CallingExchange } from "../calls/calling-exchange.js";
import type { OfferedProcessFacts } from "../plugin/make-instances.js";
import type { HostedPlugin } from "../plugin/hosted-plugin.js";
import type { InstanceStatus } from "../plugin/instance-status.js";
import type { PluginSet } from "../plugin/plugin-set.js";
import type { PluginStatus } from "../plugin/plugin-status.js";
import type {
  SupervisedPlugin,
  SupervisedProcess,
  UsersElsewhere,
} from "../plugin/supervised-plugin.js";
import type { Clock } from "../process/clock.js";
import { OfferedProcess } from "./offered-process.js";
import type { ProcessChannel } from "./process-channel.js";
import { SharedWorker } from "./shared-worker.js";
import { WorkerFigures } from "./worker-figures.js";

export interface SharedPluginsOptions {
  readonly plugins: () => Pick<PluginSet, "outside" | "divideLimits">;
  readonly clock: Clock;
  readonly logger: Required<Logger>;
}

/** The plugins of a host that hosts in other processes use: its workers. */
export class SharedPlugins {
  readonly #options: SharedPluginsOptions;
  readonly #offers = new Map<string, OfferedProcess>();
  readonly #workers = new Set<SharedWorker>();
  readonly #figures = new WorkerFigures();
  #lastKey = 0;

  constructor(options: SharedPluginsOptions) {
    this.#options = options;
  }

  /** Shares them with a worker, until that is gone. Returns what ends it before. */
  share(channel: ProcessChannel): () => void {
    const { clock, logger } = this.#options;
    const worker: SharedWorker = new SharedWorker(channel, {
      clock,
      logger,
      onHello: () => this.#tellAll(worker),
      onNews: (key, news) => this.#offers.get(key)?.hear(worker, news),
      onFigures: (figures) => this.#figures.report(worker, figures),
      onEnd: () => this.#end(worker),
    });
    this.#workers.add(worker);
    return () => worker.end();
  }

  /** Tells workers of a process. Resolves when they are connected to it, or have had their time. */
  async offer(facts: OfferedProcessFacts, signal: AbortSignal): Promise<UsersElsewhere> {
    this.#lastKey += 1;
    const key = String(this.#lastKey);
    const { pluginId } = facts;
    const offer = new OfferedProcess({
      key,
      facts,
      clock: this.#options.clock,
      onChange: () => this.changed(pluginId),
      onGiveUp: (tunnels, reason) => this.#giveUp(pluginId, key, tunnels, reason),
      onClosed: () => {
        this.#offers.delete(key);
        this.changed(pluginId);
      },
    });
    this.#offers.set(key, offer);
    if (this.#workers.size > 0) {
      this.changed(pluginId);
      await offer.taken(signal);
    }
    return offer;
  }

  /** Tells workers of a plugin as it is now. */
  changed(id: string): void {
    if (this.#workers.size > 0) {
      const plugin = this.#describe(id);
      for (const worker of this.#workers) {
        this.#tell(worker, plugin);
      }
    }
  }

  /** A plugin's status, with what all workers do. */
  total(status: PluginStatus): PluginStatus {
    return this.#figures.total(status);
  }

  /** The instances of a plugin of this host, with what all workers do with them. */
  totalInstances(id: string, own: readonly InstanceStatus[]): readonly InstanceStatus[] {
    return this.#figures.totalInstances(id, own);
  }

  /** Looks for an exchange of a plugin in the workers; undefined, at once, where there are none. */
  findExchange(id: string, exchange: string): Promise<CallingExchange | undefined> | undefined {
    if (this.#workers.size === 0) {
      return undefined;
    }
    const asked = Array.from(this.#workers, (worker) => worker.findExchange(id, exchange));
    return Promise.all(asked).then((all) => all.find((found) => found !== undefined));
  }

  #tellAll(worker: SharedWorker): void {
    this.#divide();
    for (const { id } of this.#options.plugins().outside) {
      this.#tell(worker, this.#describe(id));
    }
  }

  #tell(worker: SharedWorker, plugin: SupervisedPlugin): void {
    if (worker.isThere) {
      for (const { key } of plugin.processes) {
        this.#offers.get(key)?.ask(worker);
      }
      worker.tell(plugin);
    }
  }

  #describe(id: string): SupervisedPlugin {
    const plugin = this.#options.plugins().outside.find((one) => one.id === id);
    const current = plugin?.processKeys ?? [];
    const processes = [...this.#offers.values()]
      .filter(({ facts }) => facts.pluginId === id)
      .map(({ key, facts, isLeaving }): SupervisedProcess => {
        const { name, socketPath, token, pid } = facts;
        const phase = isLeaving ? "leaving" : current.includes(key) ? "current" : "standby";
        return { key, name, socketPath, token, pid, phase };
      });
    return { ...stateOf(id, plugin), processes };
  }

  #giveUp(id: string, key: string, tunnels: boolean, reason: ServeHTTPError): void {
    for (const worker of this.#workers) {
      worker.giveUp(id, key, tunnels, reason);
    }
  }

  #end(worker: SharedWorker): void {
    if (this.#workers.delete(worker)) {
      this.#figures.end(worker);
      for (const offer of this.#offers.values()) {
        offer.forget(worker);
      }
      this.#divide();
    }
  }

  /** Limits are for all workers together. */
  #divide(): void {
    const there = [...this.#workers].filter(({ isThere }) => isThere);
    const sharers = Math.max(1, there.length);
    this.#options.plugins().divideLimits(sharers);
    for (const worker of there) {
      worker.divideLimits(sharers);
    }
  }
}

/** What there is to say of a plugin but for its processes; undefined: it is not there any more. */
function stateOf(
  id: string,
  plugin: HostedPlugin | undefined,
): Omit<SupervisedPlugin, "processes"> {
  if (plugin === undefined) {
    return { id, ...noPlugin };
  }
  const { state, pid, sinceUnixMs, restarts, failures, isRunning, reloads } = plugin;
  const nextAttemptMs = Number.isFinite(plugin.nextAttemptMs) ? plugin.nextAttemptMs : null;
  return {
    id,
    state,
    pid,
    sinceUnixMs,
    restarts,
    nextAttemptMs,
    failures,
    isRunning,
    reloads,
  };
}

const noPlugin = {
  state: "stopped",
  pid: undefined,
  sinceUnixMs: 0,
  restarts: 0,
  nextAttemptMs: null,
  failures: [],
  isRunning: false,
  reloads: 0,
} as const;
