import type { ErrorCode, RequestInit } from "@servehttp/contract";
import type { Outcome } from "../observation/outcome.js";
import type { InstanceStatus } from "../plugin/instance-status.js";
import type { PluginFailure } from "../plugin/plugin-failure.js";
import type { ProcessNews, SupervisedPlugin } from "../plugin/supervised-plugin.js";

/** What a supervisor tells its workers. Both send JSON. */
export type SupervisorMessage =
  /** A plugin as it is now. */
  | { readonly kind: "plugin"; readonly plugin: PluginAsJson }
  /** What runs on a process that is leaving has had its time: tunnels, or all else. */
  | {
      readonly kind: "give-up";
      readonly plugin: string;
      readonly key: string;
      readonly tunnels: boolean;
      readonly code: ErrorCode;
      readonly message: string;
    }
  /** Between how many workers limits are divided. */
  | { readonly kind: "sharers"; readonly count: number }
  /** Asks for an exchange within which a plugin makes a call. */
  | {
      readonly kind: "find-exchange";
      readonly question: number;
      readonly plugin: string;
      readonly exchange: string;
    };

/** What a worker tells its supervisor. */
export type WorkerMessage =
  /** It is there, and wants to know all. */
  | { readonly kind: "hello" }
  /** What has become of its connection to a process. */
  | { readonly kind: "process"; readonly key: string; readonly news: ProcessNews }
  /** Its figures, where they have changed. */
  | { readonly kind: "figures"; readonly plugins: Readonly<Record<string, PluginFigures>> }
  | {
      readonly kind: "exchange-found";
      readonly question: number;
      readonly found: ExchangeAsJson | null;
    }
  /** An exchange that it was asked for is over. */
  | { readonly kind: "exchange-over"; readonly exchange: string; readonly code: ErrorCode };

/** What a worker does for a plugin. */
export interface PluginFigures {
  readonly inFlight: number;
  readonly tunnels: number;
  readonly waiting: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** How many heads took how long, as in `HeadTimes`. */
  readonly headTimeCounts: readonly number[];
  readonly instances: readonly InstanceStatus[];
}

/** A plugin with its times as JSON has them. */
export interface PluginAsJson extends Omit<SupervisedPlugin, "failures"> {
  readonly failures: readonly (Omit<PluginFailure, "at"> & { readonly at: string })[];
}

/** An exchange within which a plugin makes calls. */
export interface ExchangeAsJson {
  readonly init: RequestInit;
  /** JSON has no undefined, by which `identity` keeps a field out. */
  readonly identity: readonly (readonly [string, string | readonly string[] | null])[] | null;
  readonly depth: number;
}

export function pluginFromJson(plugin: PluginAsJson): SupervisedPlugin {
  const failures = plugin.failures.map((failure) => ({ ...failure, at: new Date(failure.at) }));
  return { ...plugin, failures };
}
