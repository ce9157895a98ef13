/** An instance of a plugin, as `host.plugins` tells of it. */
export interface InstanceStatus {
  /** Its address; for a process of the host's, its number among the instances, from `"0"` on. */
  readonly name: string;
  /**
   * `"ready"`: it gets exchanges. `"ejected"`: it failed, and gets nothing for a while, or one
   * exchange at a time; at the supervisor of workers, of one of them at least. `"not-ready"`: it is
   * not connected, or does not answer health checks.
   */
  readonly state: InstanceServing;
  /** Exchanges that run on it, tunnels among them; at a supervisor, those of all workers. */
  readonly inFlight: number;
}

/** Whether an instance gets exchanges. */
export type InstanceServing = "ready" | "ejected" | "not-ready";
