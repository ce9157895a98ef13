import { sayAgainMs } from "../limits.js";
import type { Clock } from "../process/clock.js";

/** Decides which refused requests of a plugin the log tells of: the first, and one a minute after. */
export class Refusals {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, { saidAtMs: number; unsaid: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * A request was refused.
   *
   * @param kind requests of one kind are told of together; one of a few
   * @returns how many of that kind to tell of now; undefined: none
   */
  add(kind: string): number | undefined {
    const nowMs = this.#clock.nowMs();
    const known = this.#kinds.get(kind);
    if (known !== undefined && nowMs - known.saidAtMs < sayAgainMs) {
      known.unsaid += 1;
      return undefined;
    }
    this.#kinds.set(kind, { saidAtMs: nowMs, unsaid: 0 });
    return (known?.unsaid ?? 0) + 1;
  }
}
