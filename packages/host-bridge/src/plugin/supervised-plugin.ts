import type { InstanceState } from "./kept-connection.js";
import type { PluginFailure } from "./plugin-failure.js";

/** A process of a plugin that another process has started and ends. */
export interface SupervisedProcess {
  /** Names it for as long as its connection at the supervisor is the same. */
  readonly key: string;
  /** Which of the plugin's instances it is: `InstanceStatus.name` at the supervisor. */
  readonly name: string;
  readonly socketPath: string;
  readonly token: string;
  readonly pid: number | undefined;
  /** `standby`: it gets nothing yet, or nothing just now. `leaving`: it gets nothing new. */
  readonly phase: "standby" | "current" | "leaving";
}

/** What a supervisor says of one of its plugins. */
export interface SupervisedPlugin {
  readonly id: string;
  readonly state: InstanceState;
  readonly pid: number | undefined;
  readonly sinceUnixMs: number;
  readonly restarts: number;
  /** How long until it tries to start it again, in milliseconds; null: it won't by itself. */
  readonly nextAttemptMs: number | null;
  readonly failures: readonly PluginFailure[];
  /** Whether it was started and not stopped since. */
  readonly isRunning: boolean;
  /** How often it was reloaded. */
  readonly reloads: number;
  readonly processes: readonly SupervisedProcess[];
}

/** What a worker has to say of a process that it was told of. */
export type ProcessNews = "connected" | "failed" | "tunnels-left" | "left";

/** Other processes that are connected to the same process of a plugin. */
export interface UsersElsewhere {
  /** Names the process of the plugin. */
  readonly key: string;
  /**
   * They get nothing new, and what runs in them may end until `giveUp` aborts, or `giveUpTunnels`.
   * Resolves when nothing runs in any of them.
   *
   * @param onTunnelsLeft called once when nothing but tunnels runs in them
   */
  drain(giveUp: AbortSignal, giveUpTunnels: AbortSignal, onTunnelsLeft: () => void): Promise<void>;
  /** The process is going, or gone. */
  close(): void;
}
