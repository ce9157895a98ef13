import type { PluginFailure, PluginStatus } from "@servehttp/host-bridge";
import type { PluginWithSeries, StateChange } from "../api/plugin.js";
import { changesListedMax, changesMax } from "../limits.js";
import { failureJson } from "./plugin-json.js";

/** The last changes of one plugin's state, with their reasons. */
export class StateHistory {
  readonly #changes: StateChange[] = [];
  /** The last one that was told. */
  #failure: PluginFailure | undefined;
  /** A failure that was told before the state has changed by it. */
  #early: PluginFailure | undefined;

  /** @param status as it is now */
  constructor(status: PluginStatus) {
    this.#failure = status.failures.at(-1);
    this.#push(status, null, isDown(status) ? this.#failure : undefined);
  }

  /** Oldest first. */
  get changes(): readonly StateChange[] {
    return this.#changes;
  }

  /** Those since a time and the one before them, without what else is known of each. */
  since(unixMs: number): PluginWithSeries["changes"] {
    const from = this.#changes.findLastIndex(({ at }) => Date.parse(at) <= unixMs);
    return this.#changes
      .slice(Math.max(0, from))
      .slice(-changesListedMax)
      .map(({ at, state }) => ({ at, state }));
  }

  /**
   * Looks at the plugin, and returns what is new: an entry that was added, or the last one where more
   * has become known of it.
   *
   * @param reason why it changes now, where somebody has asked for it
   */
  look(status: PluginStatus, reason: string | undefined): StateChange | undefined {
    const last = this.#changes.at(-1);
    const failure = this.#newFailure(status);
    if (last?.state !== status.state || last.pid !== (status.pid ?? null)) {
      const early = this.#early;
      this.#early = undefined;
      const isReplaced = last?.state === "ready" && status.state === "ready";
      const why = reason ?? (isReplaced ? "new processes have taken over" : null);
      return this.#push(status, why, isDown(status) ? (failure ?? early) : undefined);
    }
    if (failure !== undefined && last.failure === null && isDown(last)) {
      // What is told of a failure waits for the end of its process.
      this.#changes.pop();
      return this.#push(status, null, failure, last.at);
    }
    this.#early = failure;
    return undefined;
  }

  #newFailure({ failures }: PluginStatus): PluginFailure | undefined {
    const newest = failures.at(-1);
    const isNew = newest !== this.#failure;
    this.#failure = newest;
    return isNew ? newest : undefined;
  }

  #push(
    { pid, since, state }: PluginStatus,
    reason: string | null,
    failure: PluginFailure | undefined,
    at = since.toISOString(),
  ): StateChange {
    const change: StateChange = {
      at,
      state,
      pid: pid ?? null,
      reason: failure?.message ?? reason,
      failure: failure === undefined ? null : failureJson(failure),
    };
    this.#changes.push(change);
    if (this.#changes.length > changesMax) {
      this.#changes.shift();
    }
    return change;
  }
}

function isDown({ state }: Pick<StateChange, "state">): boolean {
  return state === "backing-off" || state === "failed";
}
