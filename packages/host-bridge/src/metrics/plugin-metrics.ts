import type { BatchObservableResult, Histogram, Meter, Observable } from "@opentelemetry/api";
import type { InstanceStatus } from "../plugin/instance-status.js";
import type { MeasuredPlugin } from "../plugin/measured-plugin.js";
import { processUsage } from "../process/process-usage.js";
import { histogramOf, observableOf } from "./instruments.js";
import { RisingTotal } from "./rising-total.js";

/** All states, in the order in which a plugin comes through them. */
const states = [
  "starting",
  "ready",
  "draining",
  "backing-off",
  "failed",
  "stopping",
  "stopped",
  "in-process",
] as const;

/** The plugins of a host. */
export interface MeasuredPlugins {
  readonly plugins: () => Iterable<MeasuredPlugin>;
  /** The instances of one of them, with what the workers of the host do with them. */
  readonly instances: (plugin: MeasuredPlugin) => readonly InstanceStatus[];
}

/** What can't be read from the plugin again once it is gone. */
interface Totals {
  readonly restarts: RisingTotal;
  readonly cpuMs: RisingTotal;
}

/** Measures plugins, when somebody collects. */
export class PluginMetrics {
  readonly #host: MeasuredPlugins;
  readonly #startDuration: Histogram;
  readonly #of: Readonly<Record<ObservedKey, Observable>>;
  /** By the ids of the plugins. */
  #totals = new Map<string, Totals>();

  constructor(meter: Meter, host: MeasuredPlugins) {
    this.#host = host;
    this.#startDuration = histogramOf(meter, "startDuration");
    this.#of = Object.fromEntries(
      observedKeys.map((key) => [key, observableOf(meter, key)]),
    ) as Record<ObservedKey, Observable>;
  }

  /** What `observe` tells of. */
  get observables(): readonly Observable[] {
    return Object.values(this.#of);
  }

  /** A plugin has become ready. */
  started(pluginId: string, ms: number): void {
    this.#startDuration.record(ms / 1_000, { "servehttp.plugin.id": pluginId });
  }

  /** Tells of all plugins as they are now. */
  observe(result: BatchObservableResult): void {
    const totals = new Map<string, Totals>();
    for (const plugin of this.#host.plugins()) {
      const kept = this.#totals.get(plugin.id) ?? {
        restarts: new RisingTotal(),
        cpuMs: new RisingTotal(),
      };
      totals.set(plugin.id, kept);
      this.#observeOne(result, plugin, kept);
    }
    // Plugins that were removed are forgotten.
    this.#totals = totals;
  }

  #observeOne(result: BatchObservableResult, plugin: MeasuredPlugin, totals: Totals): void {
    const id = { "servehttp.plugin.id": plugin.id };
    const of = this.#of;
    for (const state of states) {
      const isIt = state === plugin.state ? 1 : 0;
      result.observe(of.state, isIt, { ...id, "servehttp.state": state });
    }
    if (plugin.state === "in-process") {
      return;
    }
    for (const [outcome, count] of plugin.outcomes) {
      result.observe(of.outcomes, count, { ...id, "servehttp.outcome": outcome });
    }
    result.observe(of.exchanges, plugin.inFlight, id);
    result.observe(of.tunnels, plugin.tunnels, id);
    result.observe(of.queue, plugin.waiting, id);
    result.observe(of.stalls, plugin.stalls, id);
    for (const [retry, count] of Object.entries(plugin.retries)) {
      result.observe(of.retries, count, { ...id, "servehttp.retry": retry });
    }
    result.observe(of.healthMisses, plugin.healthMisses, id);
    this.#observeInstances(result, plugin, id);
    result.observe(of.restarts, totals.restarts.take([["", plugin.restarts]]), id);
    const usages = plugin.pids.map((pid) => [pid, processUsage(pid)] as const);
    const known = usages.flatMap(([pid, usage]) => (usage ? [[pid, usage] as const] : []));
    if (known.length > 0) {
      const bytes = known.reduce((sum, [, usage]) => sum + usage.memoryBytes, 0);
      result.observe(of.memory, bytes, id);
      const cpuMs = totals.cpuMs.take(known.map(([pid, usage]) => [String(pid), usage.cpuMs]));
      result.observe(of.cpu, cpuMs / 1_000, id);
    }
  }

  #observeInstances(
    result: BatchObservableResult,
    plugin: MeasuredPlugin,
    id: { readonly "servehttp.plugin.id": string },
  ): void {
    const { ejections, instances, namesInstances } = plugin;
    const all = this.#host.instances(plugin);
    for (const state of instanceStates) {
      const count = all.filter((one) => one.state === state).length;
      result.observe(this.#of.instances, count, { ...id, "servehttp.instance.state": state });
    }
    if (namesInstances) {
      for (const { inFlight, name } of instances) {
        result.observe(this.#of.instanceExchanges, inFlight, { ...id, "servehttp.instance": name });
      }
    }
    const counts = new Map(ejections);
    for (const reason of ejectionReasons) {
      const count = counts.get(reason) ?? 0;
      result.observe(this.#of.ejections, count, { ...id, "servehttp.ejection.reason": reason });
    }
  }
}

const instanceStates = ["ready", "ejected", "not-ready"] as const;

const ejectionReasons = [
  "consecutive-5xx",
  "consecutive-gateway-failure",
  "consecutive-local-origin-failure",
  "success-rate",
  "probe-failed",
] as const;

const observedKeys = [
  "state",
  "outcomes",
  "exchanges",
  "tunnels",
  "queue",
  "stalls",
  "retries",
  "healthMisses",
  "instances",
  "instanceExchanges",
  "ejections",
  "restarts",
  "memory",
  "cpu",
] as const;

type ObservedKey = (typeof observedKeys)[number];
