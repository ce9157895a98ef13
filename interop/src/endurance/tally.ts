import type { RunningHost } from "./running-host.js";

/** What a client got was not what was sent. */
export class WrongBytes extends Error {}

/** What became of the exchanges of one kind. */
interface Counts {
  right: number;
  /** The client left on purpose, and nothing had gone wrong until then. */
  left: number;
  lost: number;
  wrong: number;
  /** Lost, on a process that the run itself ended by SIGKILL. */
  killed: number;
  readonly millis: number[];
}

/** Counts what became of every exchange of a run. */
export class Tally {
  readonly kinds = new Map<string, Counts>();
  /** How often exchanges failed for a reason. */
  readonly reasons = new Map<string, number>();
  readonly #host: RunningHost;

  constructor(host: RunningHost) {
    this.#host = host;
  }

  right(kind: string, millis: number): void {
    const counts = this.#of(kind);
    counts.right += 1;
    counts.millis.push(millis);
  }

  left(kind: string): void {
    this.#of(kind).left += 1;
  }

  /** An exchange failed that had begun at a time of `performance.now()`. */
  failed(kind: string, plugin: string, beganMs: number, error: unknown): void {
    const counts = this.#of(kind);
    if (error instanceof WrongBytes) {
      counts.wrong += 1;
    } else if (this.#host.wasKilled(plugin, beganMs)) {
      counts.killed += 1;
      return;
    } else {
      counts.lost += 1;
    }
    const reason = `${kind} at ${plugin}: ${error instanceof Error ? error.message : String(error)}`;
    this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1);
  }

  #of(kind: string): Counts {
    const known = this.kinds.get(kind);
    if (known !== undefined) {
      return known;
    }
    const counts: Counts = { right: 0, left: 0, lost: 0, wrong: 0, killed: 0, millis: [] };
    this.kinds.set(kind, counts);
    return counts;
  }
}
