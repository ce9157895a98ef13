import type { LogRecord, PluginHost, PluginStatus } from "@servehttp/host-bridge";
import type { PluginEvent, RemovedEvent, SampleEvent } from "../api/event.js";
import type { Plugin, PluginDetail, PluginWithSeries, Sample } from "../api/plugin.js";
import { sampleIntervalMs, samplesMax } from "../limits.js";
import { LogTail } from "./log-tail.js";
import { FiguresOfPlugins } from "./plugin-figures.js";
import { pluginJson } from "./plugin-json.js";
import { PluginSamples } from "./plugin-samples.js";
import { StateHistory } from "./state-history.js";

/** What the recorder needs of a host. */
export type RecordedHost = Pick<PluginHost, "plugins" | "onStateChange" | "onLogRecord">;

/** Follows what happens. */
export interface EventFollower {
  onPlugin(event: PluginEvent): void;
  onRemoved(event: RemovedEvent): void;
  onSample(event: SampleEvent): void;
}

/** What is kept of one plugin. */
interface KeptPlugin {
  readonly samples: PluginSamples;
  readonly history: StateHistory;
  readonly log: LogTail;
  /** Called when it is not there any more. */
  readonly leaving: Set<() => void>;
}

/** Keeps what a host has done of late: its plugins' samples, their history and their log. */
export class HostRecorder implements Disposable {
  readonly #host: RecordedHost;
  readonly #isRequired: (id: string) => boolean;
  readonly #kept = new Map<string, KeptPlugin>();
  readonly #figures = new FiguresOfPlugins();
  readonly #followers = new Set<EventFollower>();
  /** What somebody does to a plugin now, by its id. */
  readonly #reasons = new Map<string, string>();
  readonly #ends: readonly (() => void)[];
  #records = 0;

  constructor(host: RecordedHost, isRequired: (id: string) => boolean) {
    this.#host = host;
    this.#isRequired = isRequired;
    for (const status of host.plugins) {
      this.#keep(status);
    }
    this.#ends = [
      host.onStateChange((status) => this.#changed(status)),
      host.onLogRecord((record) => this.#logged(record)),
    ];
  }

  /** All plugins, each with its last samples. */
  plugins(samples: number): readonly PluginWithSeries[] {
    return this.#host.plugins.map((status) => this.#withSeries(status, samples));
  }

  /** One plugin with everything that is known of it; undefined: there is none of this id. */
  plugin(id: string, samples: number): PluginDetail | undefined {
    const status = this.status(id);
    if (status === undefined) {
      return undefined;
    }
    const history = [...this.#keep(status).history.changes];
    return { ...this.#withSeries(status, samples), history };
  }

  /** The log of a plugin that is there. */
  log(status: PluginStatus): LogTail {
    return this.#keep(status).log;
  }

  status(id: string): PluginStatus | undefined {
    return this.#host.plugins.find((plugin) => plugin.id === id);
  }

  json(status: PluginStatus): Plugin {
    return pluginJson(status, this.#isRequired(status.id));
  }

  /** Follows what happens. Returns the function that ends it. */
  follow(follower: EventFollower): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  /** Calls back once when a plugin that is there now is gone. Returns what takes that back. */
  onRemoved(status: PluginStatus, listener: () => void): () => void {
    const { leaving } = this.#keep(status);
    leaving.add(listener);
    return () => void leaving.delete(listener);
  }

  /** Does something to a plugin; changes of its state meanwhile have this reason. */
  async because<Result>(
    id: string,
    reason: string,
    action: () => Promise<Result>,
  ): Promise<Result> {
    this.#reasons.set(id, reason);
    try {
      return await action();
    } finally {
      this.#reasons.delete(id);
    }
  }

  /**
   * Looks at all plugins, which is to happen once a second.
   *
   * @param nowMs by a clock that does not go back
   */
  sample(nowMs: number, atUnixMs: number): void {
    const samples: Record<string, Sample> = {};
    const { plugins } = this.#host;
    for (const status of plugins) {
      const sample = this.#look(status, nowMs, atUnixMs);
      this.#keep(status).samples.add(sample);
      samples[status.id] = sample;
    }
    for (const id of this.#kept.keys()) {
      if (samples[id] === undefined) {
        this.#remove(id);
      }
    }
    for (const follower of this.#followers) {
      follower.onSample({ samples });
    }
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends) {
      end();
    }
    this.#followers.clear();
  }

  #withSeries(status: PluginStatus, count: number): PluginWithSeries {
    const { history, samples } = this.#keep(status);
    return {
      ...this.json(status),
      series: samples.series(count),
      changes: history.since(Date.now() - samplesMax * sampleIntervalMs),
    };
  }

  #look(status: PluginStatus, nowMs: number, atUnixMs: number): Sample {
    const { memoryBytes, percentiles, rate } = this.#figures.look(status, nowMs);
    // JSON has no infinity: slower than the last bound is at least as slow as that.
    const slowest = status.headTimes.boundsMs.at(-1) ?? 0;
    return {
      atUnixMs,
      requestsPerSecond: rate ?? 0,
      p50Ms: percentiles === undefined ? null : Math.min(percentiles.p50Ms, slowest),
      p99Ms: percentiles === undefined ? null : Math.min(percentiles.p99Ms, slowest),
      memoryBytes: memoryBytes ?? null,
      inFlight: status.inFlight,
      waiting: status.waiting,
    };
  }

  #changed(status: PluginStatus): void {
    const isNew = !this.#kept.has(status.id);
    const { history } = this.#keep(status);
    const change = history.look(status, this.#reasons.get(status.id));
    const event: PluginEvent = {
      plugin: this.json(status),
      change: change ?? (isNew ? (history.changes.at(-1) ?? null) : null),
    };
    for (const follower of this.#followers) {
      follower.onPlugin(event);
    }
  }

  #logged({ at, details, level, message }: LogRecord): void {
    const { plugin, pluginPid, stream, ...fields } = details;
    // Strangers choose ids in requests; records about those are nobody's.
    const kept = typeof plugin === "string" ? this.#kept.get(plugin) : undefined;
    if (kept === undefined) {
      return;
    }
    this.#records += 1;
    kept.log.add({
      id: this.#records,
      at: at.toISOString(),
      level,
      plugin: plugin as string,
      pid: typeof pluginPid === "number" ? pluginPid : null,
      stream: stream === "stdout" || stream === "stderr" ? stream : null,
      message,
      fields,
    });
  }

  #keep(status: PluginStatus): KeptPlugin {
    const before = this.#kept.get(status.id);
    if (before !== undefined) {
      return before;
    }
    const kept: KeptPlugin = {
      samples: new PluginSamples(),
      history: new StateHistory(status),
      log: new LogTail(),
      leaving: new Set(),
    };
    this.#kept.set(status.id, kept);
    return kept;
  }

  #remove(id: string): void {
    const leaving = this.#kept.get(id)?.leaving ?? [];
    this.#kept.delete(id);
    this.#figures.forget(id);
    for (const follower of this.#followers) {
      follower.onRemoved({ id });
    }
    for (const listener of leaving) {
      listener();
    }
  }
}
