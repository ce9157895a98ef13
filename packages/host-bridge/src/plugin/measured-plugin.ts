import type { InstanceStatus } from "./instance-status.js";
import type { Retry } from "./retries.js";

/** What is measured of a plugin. */
export interface MeasuredPlugin {
  readonly id: string;
  readonly state: string;
  readonly restarts: number;
  readonly inFlight: number;
  readonly tunnels: number;
  readonly waiting: number;
  readonly outcomes: Iterable<readonly [outcome: string, count: number]>;
  /** How often bytes for it had to wait. */
  readonly stalls: number;
  /** What became of exchanges that were given back, because no handler had seen them. */
  readonly retries: Readonly<Record<Retry, number>>;
  readonly healthMisses: number;
  readonly instances: readonly InstanceStatus[];
  /** Whether there are only so many names of instances, however long it runs. */
  readonly namesInstances: boolean;
  /** How many instances were ejected so far, and why. */
  readonly ejections: Iterable<readonly [reason: string, count: number]>;
  /** Its processes that run. */
  readonly pids: readonly number[];
}
