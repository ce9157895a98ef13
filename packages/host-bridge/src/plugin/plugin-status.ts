import type { Outcome } from "../observation/outcome.js";
import type { HandlerSettings } from "../options/read-options.js";
import { type HeadTimes, noHeadTimes } from "./head-times.js";
import type { HostedPlugin } from "./hosted-plugin.js";
import type { InstanceStatus } from "./instance-status.js";
import type { InstanceState } from "./kept-connection.js";
import type { PluginFailure } from "./plugin-failure.js";

/** What `host.plugins` tells of a plugin. */
export interface PluginStatus {
  readonly id: string;
  /** `"in-process"` for a handler. */
  readonly state: InstanceState | "in-process";
  /** Its process, where the host started it; of several instances, the first that is ready. */
  readonly pid: number | undefined;
  /** When the state began. */
  readonly since: Date;
  /** Starts or connections after the first, over all its instances. */
  readonly restarts: number;
  /** Exchanges that run now. */
  readonly inFlight: number;
  /** Tunnels (WebSockets and other hijacked connections) among them. */
  readonly tunnels: number;
  /** Requests that wait for it to become ready. */
  readonly waiting: number;
  /**
   * How requests came out so far, by outcome; outcomes that have not been are not there. Requests
   * that were refused before they became exchanges are among them.
   */
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /**
   * How long requests waited for the final head of their response so far; tunnels and requests
   * without an answer of the plugin's are not among them. All 0 for a handler.
   */
  readonly headTimes: HeadTimes;
  /** Undefined while it is not connected, and for a handler. */
  readonly carrier: "mux" | "stream" | undefined;
  /** Why it failed, the last 10 times at most, oldest first. Stays when it is ready again. */
  readonly failures: readonly PluginFailure[];
  /**
   * Its instances; those that leave are not among them. Empty where it is stopped, and for a handler.
   */
  readonly instances: readonly InstanceStatus[];
}

export function hostedStatus(plugin: HostedPlugin): PluginStatus {
  return {
    id: plugin.id,
    state: plugin.state,
    pid: plugin.pid,
    since: new Date(plugin.sinceUnixMs),
    restarts: plugin.restarts,
    inFlight: plugin.inFlight,
    tunnels: plugin.tunnels,
    waiting: plugin.waiting,
    outcomes: Object.fromEntries(plugin.outcomes),
    headTimes: plugin.headTimes,
    carrier: plugin.carrier,
    failures: plugin.failures,
    instances: plugin.instances,
  };
}

export function handlerStatus(plugin: HandlerSettings, since: Date): PluginStatus {
  return {
    id: plugin.id,
    state: "in-process",
    pid: undefined,
    since,
    restarts: 0,
    inFlight: 0,
    tunnels: 0,
    waiting: 0,
    outcomes: {},
    headTimes: noHeadTimes,
    carrier: undefined,
    failures: [],
    instances: [],
  };
}
